"""`tailrace-api`: the facade as a program."""

import asyncio
import sys

import structlog
import uvloop
from pydantic import ValidationError

from tailrace_api import logs
from tailrace_api.app import Applications, running
from tailrace_api.crypto import KeyringError
from tailrace_api.serve import Certificate, Listener, serve
from tailrace_api.settings import Settings
from tailrace_kube.config import ConfigError

log = structlog.get_logger(__name__)

ANY = "0.0.0.0"  # noqa: S104 - probes, metrics and the internal API are called from other pods
LOOPBACK = "127.0.0.1"


def main() -> None:
    """Run until told to stop; 1 where a setting, a key or an address cannot be used."""
    try:
        settings = Settings()
    except ValidationError as error:
        for item in error.errors(include_input=False):
            name = "_".join(str(part) for part in item["loc"]).upper()
            sys.stderr.write(f"TAILRACE_{name}: {item['msg']}\n")
        sys.exit(1)
    logs.configure(settings.log_level)
    uvloop.install()
    try:
        asyncio.run(_run(settings))
    except* (KeyringError, ConfigError, OSError, ValueError) as group:
        for reason in _leaves(group):
            log.error("cannot start", reason=str(reason))  # noqa: TRY400 - the reason says it all
        sys.exit(1)


async def _run(settings: Settings) -> None:
    async with running(settings) as applications:
        await serve(listeners(settings, applications), settings.stop_seconds)


def listeners(settings: Settings, applications: Applications) -> list[Listener]:
    """Where each application listens.

    The API itself has two sockets on one port: the pod's own loopback, where everything is open, and the
    pod's address, where nothing is.
    """
    certificate = Certificate(settings.tls_cert, settings.tls_key)
    found = [
        Listener("open", applications.open, LOOPBACK, settings.api_port),
        Listener(
            "internal", applications.internal, settings.internal_host, settings.internal_port, certificate
        ),
        Listener("probes", applications.probes, ANY, settings.probe_port),
        Listener("metrics", applications.metrics, ANY, settings.metrics_port),
    ]
    if settings.pod_ip not in {None, LOOPBACK}:
        found.append(Listener("service", applications.closed, str(settings.pod_ip), settings.api_port))
    return found


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


if __name__ == "__main__":
    main()
