"""Around every request: an id, one line in the log, and its place in the metrics."""

import re
import time
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tailrace_api.metrics import Metrics

log = structlog.get_logger(__name__)

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class Access:
    """The outermost layer of a listener; `name` is the listener's."""

    def __init__(self, app: ASGIApp, name: str, metrics: Metrics) -> None:
        self._app = app
        self._name = name
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell of it afterwards."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status, answered = 500, False

        async def sending(message: Message) -> None:
            nonlocal status, answered
            answered = True
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                status = message["status"]
                message = {
                    **message,
                    "headers": [*message.get("headers", []), (b"x-request-id", request_id.encode())],
                }
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            # The application has logged it and answered 500; raised again, the server would log it once more.
            if not answered:
                raise
        finally:
            self._tell(scope, status, time.perf_counter() - started)
            structlog.contextvars.unbind_contextvars("request_id")

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        """The template of the route, never the path itself: it may hold a webhook's key."""
        method = scope.get("method", "WEBSOCKET")
        route = getattr(scope.get("route"), "path", None) or scope.get("tailrace.route") or "unknown"
        self._metrics.request(self._name, method, route, status, seconds)
        if route in QUIET:
            return
        milliseconds = round(seconds * 1000, 1)
        log.info("request", listener=self._name, method=method, route=route, status=status, ms=milliseconds)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return str(value.decode())
    return uuid4().hex
