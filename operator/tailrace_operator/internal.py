"""The operator's routes of the internal API: archive, ledger, claims, container requests, credentials."""

import asyncio
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson

from tailrace_kube.config import TokenFile
from tailrace_operator.settings import Settings

Object = dict[str, Any]

TIMEOUT = 10.0
LONG_POLL = 30
MAX_FIRINGS = 10_000
FIRINGS_A_REQUEST = 500


class InternalError(Exception):
    """The internal API did not do what it was asked to; whatever it was, it can be tried again."""


class InternalRefusedError(InternalError):
    """It answered with a client error: the same request will not succeed as it stands."""


class InternalAPI:
    """A client of the facade's own listener; an asynchronous context manager. May be away at any time."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.internal_url.rstrip("/") + "/internal/v1/operator/"
        self._ca_file = settings.internal_ca_file
        self._token = TokenFile(settings.internal_token_file)
        self._session: aiohttp.ClientSession | None = None
        self._trust: tuple[float, ssl.SSLContext] | None = None

    async def __aenter__(self) -> Self:
        """Open the pool of connections."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT, sock_connect=5))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def archive(self, run: Object) -> None:
        """Hand an ended Run to the store; returns after the commit."""
        metadata = run["metadata"]
        path = f"archive/{quote(metadata['namespace'], safe='')}/{quote(metadata['uid'], safe='')}"
        answer = await self._call("PUT", path, run)
        if answer.get("archived") is not True:
            raise InternalError(f"PUT {path}: no confirmation")

    async def record(self, firings: Sequence[Object]) -> None:
        """Write firings into the ledger; one that is there already is dropped."""
        await self._call("POST", "ledger", {"firings": list(firings)})

    async def recorded_slots(self, namespace: str, trigger_uid: str, after: str) -> set[str]:
        """The slots of a trigger later than `after` that the ledger has, RFC 3339."""
        path = f"ledger/{quote(namespace, safe='')}/{quote(trigger_uid, safe='')}"
        answer = await self._call("GET", path, query={"after": after})
        return set(answer["slots"])

    async def stale_claims(self, seconds: float) -> list[Object]:
        """Claims that were not renewed for so long: `{namespace, run, uid, podUID, renewedAt}`."""
        answer = await self._call("GET", "claims/stale", query={"seconds": f"{seconds:g}"})
        return list(answer["claims"])

    async def container_requests(self, seen: str | None) -> list[Object]:
        """All unfinished requests at once; with `seen`, waits for one with a higher id."""
        query = {"wait": str(LONG_POLL)} | ({"seen": seen} if seen is not None else {})
        answer = await self._call("GET", "containers", query=query, timeout=LONG_POLL + TIMEOUT)
        return list(answer["requests"])

    async def finish_container(self, request: str, outcome: Object) -> None:
        """Report how a container task ended."""
        await self._call("POST", f"containers/{quote(request, safe='')}", outcome)

    async def check_credential(self, namespace: str, name: str) -> tuple[bool, str]:
        """Whether a Credential's value can be read, and if not, why."""
        answer = await self._call("POST", "credentials/check", {"namespace": namespace, "name": name})
        return bool(answer["readable"]), str(answer.get("message") or "")

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - the HTTP client's own limit
    ) -> Object:
        if self._session is None:
            raise RuntimeError(
                "the client is not open: use it as `async with InternalAPI(settings) as internal`"
            )
        what = f"{method} {path}"
        try:
            async with self._session.request(
                method,
                self._base + path,
                params=query,
                data=None if body is None else orjson.dumps(body),
                headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token()}"},
                ssl=self._trusted(),
                timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=5),
                allow_redirects=False,
            ) as response:
                content = await response.read()
                _raise_for_status(what, response.status, content)
                answer: Object = orjson.loads(content)
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError) as error:
            raise InternalError(f"{what}: {error or type(error).__name__}") from error
        return answer

    def _trusted(self) -> ssl.SSLContext:
        """The CA's file, read again when it has changed."""
        changed = self._ca_file.stat().st_mtime
        if self._trust is None or self._trust[0] != changed:
            self._trust = (changed, ssl.create_default_context(cafile=str(self._ca_file)))
        return self._trust[1]


def _raise_for_status(what: str, status: int, content: bytes) -> None:
    if status < 300:  # noqa: PLR2004 - success; redirects are never followed
        return
    try:
        message = orjson.loads(content)["error"]["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        message = content[:200].decode(errors="replace").strip()
    refused = 400 <= status < 500 and status not in {408, 429}  # noqa: PLR2004
    raise (InternalRefusedError if refused else InternalError)(f"{what}: {status} {message}")


class Ledger:
    """Firings on their way to the store: kept while the internal API is away, up to a bound."""

    def __init__(self, internal: InternalAPI) -> None:
        self._internal = internal
        self._pending: list[Object] = []
        self._arrived = asyncio.Event()
        self.lost = 0

    def __len__(self) -> int:
        """How many firings wait to be written."""
        return len(self._pending)

    def add(self, firing: Object) -> None:
        """Take one firing; the oldest goes where there are too many (the Trigger keeps the last ten)."""
        if len(self._pending) >= MAX_FIRINGS:
            self._pending.pop(0)
            self.lost += 1
        self._pending.append(firing)
        self._arrived.set()

    async def run(self) -> None:
        """Write what arrives, in batches, until cancelled."""
        pause = 0.0
        while True:
            await self._arrived.wait()
            await asyncio.sleep(pause)
            try:
                await self.flush()
                pause = 0.05
            except InternalRefusedError:
                # One bad line must not hold up the rest for ever.
                self.lost += len(self._pending[:FIRINGS_A_REQUEST])
                del self._pending[:FIRINGS_A_REQUEST]
            except InternalError:
                pause = min(max(pause * 2, 0.5), 15.0)

    async def flush(self) -> None:
        """Write everything that waits; InternalError where that is not possible now."""
        while self._pending:
            batch = self._pending[:FIRINGS_A_REQUEST]
            await self._internal.record(batch)
            del self._pending[: len(batch)]
        self._arrived.clear()
