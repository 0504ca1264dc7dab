"""No request may bring more bytes than it should."""

from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Refuses bodies over a limit with 413, by their announced length or as they come in."""

    def __init__(self, app: ASGIApp, limit: int | Callable[[Scope], int]) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a `receive` that counts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope) if callable(self._limit) else self._limit
        await self._app(scope, limited(scope, receive, limit), send)


def limited(scope: Scope, receive: Receive, limit: int) -> Receive:
    """`receive` that raises 413 beyond so many bytes; at once where the length says so."""
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        if announced.isdigit() and int(announced) > limit:
            raise _too_large(limit)
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return counting


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"the body has more than {limit} bytes")
