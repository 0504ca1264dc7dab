"""What `helm test` asks: do the facade and the operator answer, and does the API server serve the kinds?"""

# ruff: noqa: INP001, S310, T201 - a program for one pod, which prints, and calls only the addresses below

import json
import ssl
import sys
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
KINDS = {"flows", "runs", "triggers", "credentials"}


def fetch(url: str, headers: dict[str, str] | None = None, context: ssl.SSLContext | None = None) -> bytes:
    """The body of an answer; HTTPError where it is an error."""
    request = urllib.request.Request(url, headers=headers or {})
    with urllib.request.urlopen(request, timeout=10, context=context) as response:
        body: bytes = response.read()
    return body


def main(namespace: str) -> None:
    """Exit 1 at the first that does not answer."""
    for service in ("tailrace-internal", "tailrace-operator"):
        for path in ("healthz", "readyz"):
            fetch(f"http://{service}.{namespace}.svc:8081/{path}")
            print(f"{service} {path}: ok")
    token = (ACCOUNT / "token").read_text()
    answer = fetch(
        "https://kubernetes.default.svc/apis/tailrace.dev/v1alpha1",
        {"Authorization": f"Bearer {token}"},
        ssl.create_default_context(cafile=ACCOUNT / "ca.crt"),
    )
    missing = KINDS - {resource["name"] for resource in json.loads(answer)["resources"]}
    if missing:
        sys.exit(f"the API server does not serve {', '.join(sorted(missing))}")
    print("kinds: ok")


main(sys.argv[1])
