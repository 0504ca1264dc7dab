"""JSON bodies, read strictly: what orjson refuses, or what we could not store, is the caller's mistake."""

from collections.abc import Callable, Coroutine
from json import JSONDecodeError
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

MAX_DEPTH = 64


class StrictRequest(Request):
    """A request whose body is JSON, whatever its Content-Type says; an empty one counts as `{}`."""

    async def body(self) -> bytes:
        """The body's bytes."""
        return await super().body() or b"{}"

    async def json(self) -> Any:
        """The body as a JSON value; JSONDecodeError where it is none, 400 where it is nested too deeply."""
        if not hasattr(self, "_json"):
            value = parse(await self.body())
            self._json = value
        return self._json


class JsonRoute(APIRoute):
    """A route that reads its body by StrictRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, given a strict request."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            headers = [(name, value) for name, value in request.scope["headers"] if name != b"content-type"]
            headers.append((b"content-type", b"application/json"))
            return await handler(StrictRequest({**request.scope, "headers": headers}, request.receive))

        return strict


def parse(body: bytes) -> Any:
    """A JSON value; JSONDecodeError, or HTTPException 400 beyond 64 levels."""
    try:
        value = orjson.loads(body)
    except UnicodeDecodeError as error:
        raise JSONDecodeError("the body is not UTF-8", "", 0) from error
    if not is_shallow(value):
        raise HTTPException(400, f"the body is nested deeper than {MAX_DEPTH} levels")
    return value


def is_shallow(value: Any, limit: int = MAX_DEPTH) -> bool:
    """Whether a JSON value is nested at most so deeply."""
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return True
    return False
