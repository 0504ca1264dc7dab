"""HTTP to the API server: one pool of connections, every failure one of `errors`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import orjson
from yarl import URL

from tailrace_kube import errors
from tailrace_kube.config import Config

CONNECT_TIMEOUT = 10.0
REDIRECTION = 300


class Transport:
    """Sends requests with the configured credentials; paths and queries in, bytes, JSON or lines out."""

    def __init__(self, config: Config, timeout: float) -> None:
        self._config = config
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT_TIMEOUT)
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Make the pool; needs a running event loop."""
        # Every watch holds a connection for good, so the pool must not be bounded.
        connector = aiohttp.TCPConnector(ssl=self._config.ssl or True, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The object of a successful response; options as for `body`."""
        answer: dict[str, Any] = orjson.loads(await self.body(method, path, **options))
        return answer

    async def body(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: Any = None,
        content_type: str = "application/json",
        headers: Sequence[tuple[str, str]] = (),
    ) -> bytes:
        """The body of a successful response."""
        data = None if content is None else orjson.dumps(content)
        sent = [*headers, ("Content-Type", content_type)] if data is not None else [*headers]
        try:
            async with self._send(method, path, query, self._timeout, data=data, headers=sent) as response:
                await _raise_for_status(response)
                return await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unavailable(error) from error

    async def lines(self, path: str, query: Mapping[str, str], inactivity: float) -> AsyncIterator[bytes]:
        """The lines of an endless response; Unavailable once nothing has come for `inactivity` seconds."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=inactivity)
        try:
            async with self._send("GET", path, query, limits) as response:
                await _raise_for_status(response)
                async for line in _lines(response.content):
                    yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unavailable(error) from error

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        timeout: aiohttp.ClientTimeout,
        *,
        data: bytes | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("the client is not open: use it as `async with Client(config) as client`")
        sent = [*headers, ("Accept", "application/json")]
        token = self._config.token()
        if token:
            sent.append(("Authorization", f"Bearer {token}"))
        # The path is quoted already; yarl would take %2F apart again.
        url = URL(self._config.server + path, encoded=True)
        return self._session.request(
            method,
            url.update_query(query) if query else url,
            data=data,
            headers=sent,
            timeout=timeout,
            allow_redirects=False,
        )


async def _raise_for_status(response: aiohttp.ClientResponse) -> None:
    if response.status >= REDIRECTION:
        raise errors.from_response(response.status, await response.read())


def _unavailable(error: Exception) -> errors.Unavailable:
    return errors.Unavailable(f"no answer from the API server: {error or type(error).__name__}")


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    # Not readline: it bounds a line's length, and an object may be 1.5 MiB.
    rest = bytearray()
    async for chunk in content.iter_any():
        rest += chunk
        if b"\n" not in chunk:
            continue
        *lines, tail = bytes(rest).split(b"\n")
        rest = bytearray(tail)
        for line in lines:
            if line:
                yield line
