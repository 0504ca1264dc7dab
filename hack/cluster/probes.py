"""Whether a program answers."""

import http
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path

SECONDS = 2.0


def answers(target: str, ca: Path | None = None) -> bool:
    """Whether a URL gives status 200, a port `host:port` accepts, or a socket's path accepts."""
    if target.startswith("http"):
        return _gives_200(target, ca)
    try:
        if target.startswith("/"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(SECONDS)
                client.connect(target)
        elif target:
            host, port = target.rsplit(":", 1)
            socket.create_connection((host, int(port)), SECONDS).close()
    except OSError:
        return False
    return True


def _gives_200(url: str, ca: Path | None) -> bool:
    context = ssl.create_default_context(cafile=ca) if url.startswith("https") else None
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if context is not None:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=SECONDS) as response:
            return bool(response.status == http.HTTPStatus.OK)
    except (OSError, urllib.error.URLError):
        return False


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nothing listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
