"""Who may address an open listener: requests to a host of ours, and no web page of anyone else's.

Without authentication a browser on the same machine is the danger: a foreign page may post to 127.0.0.1, or
make its own name resolve to it.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from tailrace_api.http.failures import Refusal, Render

FREE = frozenset({"/healthz", "/readyz", "/metrics"})


class OwnHosts:
    """Refuses requests whose Host, or whose Origin, is none of ours."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], render: Render) -> None:
        self._app = app
        self._hosts = hosts
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        refusal = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        target = self._app if refusal is None else self._render(refusal)
        await target(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        if scope["path"] in FREE:
            return None
        headers = dict(reversed(scope["headers"]))
        host = hostname(headers.get(b"host", b"").decode("latin-1"))
        if host not in self._hosts:
            message = (
                f"{host or 'no host'} is not a host of this API (TAILRACE_WORKFLOWDEV_HOSTS lists others)"
            )
            return Refusal(421, "misdirected_request", message)
        origin = headers.get(b"origin")
        if origin is not None and _hostname(origin.decode("latin-1")) not in self._hosts:
            return Refusal(403, "forbidden_origin", "requests from web pages of another origin are refused")
        return None


def hostname(header: str) -> str:
    """The name in a Host header, in lower case, without port and brackets."""
    return _hostname(f"//{header}")


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
