"""Several listeners in one event loop, started and stopped together."""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.types import ASGIApp

log = structlog.get_logger(__name__)

CERTIFICATE_SECONDS = 60.0


@dataclass(frozen=True)
class Certificate:
    """A server certificate with its key, as files; a Secret's volume exchanges them in place."""

    chain: Path
    key: Path

    def check(self) -> None:
        """An OSError that names the file, where one cannot be read."""
        for file in (self.chain, self.key):
            with file.open("rb"):
                continue

    def changed_at(self) -> float:
        """When the files were last exchanged."""
        return max(self.chain.stat().st_mtime, self.key.stat().st_mtime)


@dataclass(frozen=True)
class Listener:
    """An application on an address; over TLS where it has a certificate."""

    name: str
    application: ASGIApp
    host: str
    port: int
    certificate: Certificate | None = None


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to `serve`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(listeners: Sequence[Listener], stop_seconds: int, stop: asyncio.Event | None = None) -> None:
    """Serve until SIGTERM or SIGINT (or `stop` is set); what is under way then has `stop_seconds` to end."""
    stop = stop or _on_signals()
    servers = [_server(listener, stop_seconds) for listener in listeners]
    sockets = [_bind(listener) for listener in listeners]
    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(server.serve(sockets=[bound]))
            for server, bound in zip(servers, sockets, strict=True)
        ]
        reloading = group.create_task(_renew(listeners, servers))
        for listener in listeners:
            log.info("listening", listener=listener.name, host=listener.host, port=listener.port)
        await stop.wait()
        log.info("stopping")
        for server in servers:
            server.should_exit = True
        await asyncio.wait(running)
        reloading.cancel()


def _server(listener: Listener, stop_seconds: int) -> _Server:
    certificate = listener.certificate
    if certificate is not None:
        certificate.check()
    config = uvicorn.Config(
        listener.application,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        timeout_graceful_shutdown=stop_seconds,
        ssl_certfile=certificate.chain if certificate is not None else None,
        ssl_keyfile=str(certificate.key) if certificate is not None else None,
    )
    config.load()
    return _Server(config)


def _bind(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        bound.bind((listener.host, listener.port))
    except OSError as error:
        bound.close()
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise OSError(error.errno, f"{listener.name}: {listener.host}:{listener.port} {reason}") from error
    return bound


async def _renew(listeners: Sequence[Listener], servers: Sequence[_Server]) -> None:
    """Take up exchanged certificates; connections that are open keep the old one."""
    pairs = [
        (listener.certificate, server.config.ssl)
        for listener, server in zip(listeners, servers, strict=True)
        if listener.certificate is not None
    ]
    seen = {certificate: certificate.changed_at() for certificate, _ in pairs}
    while True:
        await asyncio.sleep(CERTIFICATE_SECONDS)
        for certificate, context in pairs:
            try:
                changed = certificate.changed_at()
                if changed == seen[certificate] or context is None:
                    continue
                context.load_cert_chain(certificate.chain, certificate.key)
            except OSError as error:
                log.warning("certificate not renewed", error=str(error))
                continue
            seen[certificate] = changed
            log.info("certificate renewed")


def _on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
