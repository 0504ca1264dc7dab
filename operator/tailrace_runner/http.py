"""A small HTTP/1.1 client: h11 over asyncio's streams, for the runner's two servers.

A general client costs a fifth of a second to import, most of what a cold start may take; this one costs a few
milliseconds. It keeps connections open, reads a response whole or in chunks, and leaves retries, but for a
connection that the server had closed meanwhile, to its caller.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h11
import orjson

CONNECT_TIMEOUT = 5.0
MAX_IDLE = 4
CHUNK = 65536


class Unreachable(Exception):  # noqa: N818 - a state of the server
    """No connection, a broken one, or no answer in time; the request may have been carried out."""


class _Stale(Unreachable):
    """A connection from the pool was closed before any answer came."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read whole."""

    status: int
    body: bytes
    retry_after: float | None = None

    def json(self) -> Any:
        """The body as JSON; an empty one is None."""
        return orjson.loads(self.body) if self.body else None


class Connection:
    """One connection, used for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=CHUNK)
        self.used = False  # whether it has lain idle, so that the server may have closed it meanwhile

    async def send(self, head: h11.Request, body: bytes) -> None:
        """Write a request."""
        self._writer.write(self._state.send(head) or b"")
        for start in range(0, len(body), CHUNK):
            data = h11.Data(data=body[start : start + CHUNK])
            self._writer.write(self._state.send(data) or b"")
            await self._writer.drain()
        self._writer.write(self._state.send(h11.EndOfMessage()) or b"")
        await self._writer.drain()

    async def head(self) -> h11.Response:
        """The response's status and headers."""
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.ConnectionClosed):
                raise _Stale("the server closed the connection")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The response's body."""
        while True:
            event = await self._event()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise Unreachable("the server closed the connection in the middle of an answer")

    def reusable(self) -> bool:
        """Whether another request may follow on this connection; makes it ready if so."""
        if self._state.our_state is not h11.DONE or self._state.their_state is not h11.DONE:
            return False
        self._state.start_next_cycle()
        self.used = True
        return True

    def close(self) -> None:
        """Drop the connection, whatever is still on its way."""
        self._writer.close()

    async def _event(self) -> Any:
        while True:
            event = self._state.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._state.receive_data(await self._reader.read(CHUNK))


class TokenFile:
    """A bearer token in a file, read before every request: it is replaced while the pod runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = ""

    def __call__(self) -> str:
        """The token; the last one known while the file cannot be read."""
        with suppress(OSError):
            self._last = self._path.read_text().strip()
        return self._last


class Client:
    """Requests to one server; `token` is asked before every one."""

    def __init__(self, url: str, tls: ssl.SSLContext | None, token: Callable[[], str]) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._prefix = parts.path.rstrip("/")
        self._authority = parts.netloc
        self._tls = tls if parts.scheme == "https" else None
        self._token = token
        self._idle: list[Connection] = []

    async def prime(self) -> None:
        """Open a connection ahead of the first request; that it fails will show then."""
        try:
            connection = await self._connect()
        except Unreachable:
            return
        connection.used = True
        self._idle.append(connection)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        seconds: float = 10.0,
    ) -> Response:
        """One request and its whole answer, whatever its status. Raises Unreachable."""
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        try:
            return await self._whole(method, path, content, content_type, seconds)
        except _Stale:
            # The server closes idle connections when it likes; a fresh one tells whether it is there.
            self._drop_idle()
            return await self._whole(method, path, content, content_type, seconds)

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """A GET whose body comes in chunks for as long as it lasts, on a connection of its own."""
        connection = await self._connect()
        try:
            with _as_unreachable():
                async with asyncio.timeout(CONNECT_TIMEOUT * 2):
                    await connection.send(self._request("GET", path, b"", ""), b"")
                    head = await connection.head()
            yield head.status_code, _guarded(connection.chunks())
        finally:
            connection.close()

    def close(self) -> None:
        """Close what is open."""
        self._drop_idle()

    async def _whole(
        self, method: str, path: str, content: bytes, content_type: str, seconds: float
    ) -> Response:
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            with _as_unreachable(reused=connection.used):
                async with asyncio.timeout(seconds):
                    await connection.send(self._request(method, path, content, content_type), content)
                    head = await connection.head()
                    body = b"".join([chunk async for chunk in connection.chunks()])
        except BaseException:
            connection.close()
            raise
        if connection.reusable() and len(self._idle) < MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()
        return Response(head.status_code, body, _retry_after(head))

    async def _connect(self) -> Connection:
        with _as_unreachable():
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        _keep_alive(writer.get_extra_info("socket"))
        return Connection(reader, writer)

    def _request(self, method: str, path: str, content: bytes, content_type: str) -> h11.Request:
        headers = {"Host": self._authority, "Accept": "application/json", "User-Agent": "tailrace-runner"}
        token = self._token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if content or method in {"POST", "PUT", "PATCH"}:
            headers["Content-Length"] = str(len(content))
            headers["Content-Type"] = content_type
        return h11.Request(method=method, target=self._prefix + path, headers=list(headers.items()))

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


@contextmanager
def _as_unreachable(*, reused: bool = False) -> Iterator[None]:
    """Turns what sockets, TLS and the protocol raise into Unreachable."""
    try:
        yield
    except _Stale as error:
        if reused:
            raise
        raise Unreachable(str(error)) from error
    except TimeoutError as error:
        raise Unreachable("no answer in time") from error
    except (OSError, h11.ProtocolError) as error:
        if reused and isinstance(error, ConnectionError):
            raise _Stale(str(error)) from error
        raise Unreachable(f"{type(error).__name__}: {error}") from error


async def _guarded(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with _as_unreachable():
        async for chunk in chunks:
            yield chunk


def _retry_after(head: h11.Response) -> float | None:
    value = dict(list(head.headers)).get(b"retry-after", b"")
    return float(value) if value.isdigit() else None


def _keep_alive(sock: Any) -> None:
    """Let the kernel notice in half a minute that the other end is gone: a watch can be silent for long."""
    options: Mapping[str, int] = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in options.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
