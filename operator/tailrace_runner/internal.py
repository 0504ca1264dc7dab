"""The internal API, as docs/design/protocol.md describes it. Every call can be repeated safely, and is."""

import asyncio
import random
import ssl
from typing import Any
from urllib.parse import quote

from tailrace_runner.errors import ServerError
from tailrace_runner.http import Client, Response, TokenFile, Unreachable
from tailrace_runner.settings import Settings

CLAIM_LAG = 10.0
"""Seconds for which the server may not have seen a new claim yet, so that its refusal is not final."""
PATIENCE = 15.0
"""Seconds for which a task's own call (a credential, a key) is repeated before the task fails."""
FOREVER = float("inf")
"""What the Run cannot do without is repeated until it succeeds, or the fence ends the runner."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
UPLOAD_SECONDS = 120.0


def connect(settings: Settings) -> Client:
    """A client for the internal API, as this pod."""
    tls = ssl.create_default_context(cafile=str(settings.internal_ca))
    return Client(settings.internal_url, tls, TokenFile(settings.internal_token))


class InternalApi:
    """The calls for one Run. Methods raise ServerError for refusals, Unreachable once patience is over."""

    def __init__(self, client: Client, namespace: str, run: str) -> None:
        self._client = client
        self._namespace = namespace
        self._base = f"/internal/v1/runs/{quote(namespace)}/{quote(run)}"
        self._known_until = asyncio.get_running_loop().time() + CLAIM_LAG

    async def plan(self) -> dict[str, Any]:
        """The Run, the pinned flow and the journal of earlier attempts."""
        answer: dict[str, Any] = (await self._call("GET", "/plan", patience=FOREVER)).json()
        return answer

    async def renew(self, seconds: float) -> None:
        """Say that this pod still executes the Run; not repeated here."""
        _checked(await self._client.request("POST", f"{self._base}/renew", {}, seconds=seconds))

    async def journal(self, entries: list[dict[str, Any]]) -> None:
        """Returns once the entries are durable."""
        await self._call("POST", "/journal", {"entries": entries}, patience=FOREVER)

    async def logs(self, lines: list[dict[str, Any]]) -> None:
        """Store log lines; a line that is there already is dropped by its number."""
        await self._call("POST", "/logs", {"lines": lines}, patience=FOREVER)

    async def credential(self, name: str) -> dict[str, Any]:
        """`{name, value, hosts, unbound}`."""
        answer: dict[str, Any] = (await self._call("GET", f"/credentials/{quote(name, safe='')}")).json()
        return answer

    async def get_key(self, key: str) -> Any:
        """The value under a key; ServerError 404 where there is none."""
        return (await self._call("GET", self._key(key))).json()["value"]

    async def set_key(self, key: str, value: Any) -> None:
        """Store a value under a key."""
        await self._call("PUT", self._key(key), {"value": value})

    async def delete_key(self, key: str) -> None:
        """Remove a key; ServerError 404 where there is none."""
        await self._call("DELETE", self._key(key))

    async def put_outputs(self, task: str, content: bytes) -> str:
        """Store a task's outputs (JSON); the reference to them."""
        path = f"/outputs/{quote(task)}"
        answer = await self._call("PUT", path, content, patience=FOREVER, seconds=UPLOAD_SECONDS)
        return str(answer.json()["ref"])

    async def get_outputs(self, task: str) -> bytes:
        """A task's stored outputs."""
        path = f"/outputs/{quote(task)}"
        return (await self._call("GET", path, patience=FOREVER, seconds=UPLOAD_SECONDS)).body

    async def start_container(self, request: dict[str, Any]) -> str:
        """Ask for a task's container; asked again for the same attempt, it is the same one."""
        return str((await self._call("POST", "/containers", request)).json()["id"])

    async def container(self, identifier: str, wait: float) -> dict[str, Any]:
        """`{state, exitCode?, message?, result?}`, once it has ended or `wait` seconds are over."""
        path = f"/containers/{quote(identifier)}?wait={wait:g}"
        answer = await self._call("GET", path, patience=FOREVER, seconds=wait + 10)
        document: dict[str, Any] = answer.json()
        return document

    def _key(self, key: str) -> str:
        return f"/kv/{quote(self._namespace)}/{quote(key, safe='')}"

    async def _call(
        self, method: str, path: str, body: Any = None, *, patience: float = PATIENCE, seconds: float = 10.0
    ) -> Response:
        loop = asyncio.get_running_loop()
        started, pause = loop.time(), FIRST_PAUSE
        while True:
            wait = 0.0
            try:
                response = await self._client.request(method, self._base + path, body, seconds=seconds)
                if response.status < 300:  # noqa: PLR2004 - HTTP's successes
                    return response
                wait = response.retry_after or 0.0
                refusal = _refusal(response)
                if not self._passing(refusal):
                    raise refusal
                failure: Exception = refusal
            except Unreachable as error:
                failure = error
            if loop.time() - started > patience:
                raise failure
            await asyncio.sleep(max(min(wait, LONGEST_PAUSE), pause * random.uniform(0.5, 1)))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)

    def _passing(self, refusal: ServerError) -> bool:
        """Whether the same call may succeed a little later."""
        if refusal.code in {"not_claimant", "not_assigned"}:
            return asyncio.get_running_loop().time() < self._known_until
        return refusal.status >= 500 or refusal.status in {401, 408, 429}  # noqa: PLR2004 - HTTP's own errors


def _checked(response: Response) -> None:
    if response.status >= 300:  # noqa: PLR2004 - HTTP's successes are below
        raise _refusal(response)


def _refusal(response: Response) -> ServerError:
    try:
        error = response.json()["error"]
        return ServerError(response.status, str(error["code"]), str(error["message"]))
    except (ValueError, KeyError, TypeError):
        return ServerError(response.status, "error", response.body[:200].decode(errors="replace"))
