# One image for all of Tailrace: operator, facade, runner, command line.
#
# The build needs no network: `python3 hack/image` resolves the dependencies and builds our wheel beforehand, into
# build/image/deps and build/image/app. Any base will do that has Python 3.11 and a C library like Debian 12's.
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm
FROM ${BASE_IMAGE}

# Libraries ask who they run as, so that the user has a name.
# -S: nothing of the base's own site-packages is looked for. -P: nor beside the program.
RUN set -e; \
    echo 'tailrace:x:65532:65532::/tmp:/usr/sbin/nologin' >> /etc/passwd; \
    echo 'tailrace:x:65532:' >> /etc/group; \
    launcher() { printf '#!%s -SP\nfrom %s import %s\n\n%s()\n' "$(command -v python3)" "$2" "$3" "$3" > "/usr/local/bin/$1"; \
                 chmod 755 "/usr/local/bin/$1"; }; \
    launcher tailrace tailrace_cli.main app; \
    launcher tailrace-operator tailrace_operator.main main; \
    launcher tailrace-api tailrace_api.main main; \
    launcher tailrace-runner tailrace_runner.main main

# Bytecode is compiled here, by the Python that will read it, and never checked against its source again: the first
# task of a Run starts that much sooner, and the root file system may be read-only.
COPY build/image/deps /opt/tailrace/deps
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/tailrace/deps

# A change of our own code makes anew only what is below.
COPY build/image/app /opt/tailrace/app
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/tailrace/app

ENV PYTHONPATH=/opt/tailrace/app:/opt/tailrace/deps \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
WORKDIR /tmp
USER 65532:65532
CMD ["tailrace", "--help"]
