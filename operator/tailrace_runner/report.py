"""The one writer of a claimed Run's status: few writes while it runs, and the last one without fail."""

import asyncio
import random
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import orjson

from tailrace_runner import claim, status
from tailrace_runner.engine.state import Result, TaskState
from tailrace_runner.errors import ClaimLost, ServerError
from tailrace_runner.http import Unreachable
from tailrace_runner.kubernetes import Runs

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Reporter:
    """Writes what has changed, at most once a second: a Run that ends sooner costs one and its claim."""

    def __init__(
        self,
        runs: Runs,
        run: dict[str, Any],
        pod_uid: str,
        states: Callable[[], Iterable[TaskState]],
        now: Callable[[], datetime],
    ) -> None:
        self._runs = runs
        self._run = run
        self._pod_uid = pod_uid
        self._states = states
        self._now = now
        self._dirty = asyncio.Event()
        self._written = asyncio.get_running_loop().time()

    def changed(self, _state: TaskState) -> None:
        """Something is to be written."""
        self._dirty.set()

    async def follow(self) -> None:
        """Write progress until cancelled. Raises ClaimLost and RunEnded."""
        loop = asyncio.get_running_loop()
        while True:
            await self._dirty.wait()
            due = self._written + status.interval(len(orjson.dumps(self._run)))
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._dirty.clear()
            await self._write(lambda: status.progress(self._states()))
            self._written = loop.time()

    async def finish(self, result: Result, started: datetime) -> None:
        """Write the end; returns once it is written. Raises ClaimLost and RunEnded."""
        ended = self._now()

        def last() -> dict[str, Any]:
            before = (self._run.get("status") or {}).get("conditions") or []
            return status.terminal(result, self._states(), started=started, now=ended, before=before)

        await self._write(last)

    async def _write(self, make: Callable[[], dict[str, Any]]) -> None:
        """Repeat until it is written: an API server that is away for a while must not cost a Run its end."""
        pause = FIRST_PAUSE
        while True:
            try:
                meta = self._run["metadata"]
                self._run = await self._runs.patch_status(meta["name"], meta["resourceVersion"], make())
            except ServerError as refusal:
                if refusal.status == 404:  # noqa: PLR2004 - HTTP's own error
                    raise ClaimLost("the Run is gone") from refusal
                # 403 is also how the policy answers a pod whose Run has ended or was given to another.
                if refusal.status in {403, 409} and await self._refresh() and refusal.status != 403:  # noqa: PLR2004
                    continue
                if refusal.status in {400, 422}:
                    raise
            except Unreachable:
                pass
            else:
                return
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads load
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _refresh(self) -> bool:
        """Read the Run anew and check that it is still ours; False where it cannot be read now."""
        try:
            self._run = await self._runs.get(self._run["metadata"]["name"])
        except Unreachable:
            return False
        except ServerError as refusal:
            if refusal.status == 404:  # noqa: PLR2004 - HTTP's own error
                raise ClaimLost("the Run is gone") from refusal
            return False
        claim.check(self._run, self._pod_uid)
        return True
