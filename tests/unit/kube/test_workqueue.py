import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from tailrace_kube import WorkQueue
from tailrace_kube import workqueue as module


@contextlib.asynccontextmanager
async def working(
    queue: WorkQueue[str], handle: Callable[[str], Awaitable[float | None]], workers: int = 3
) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run(handle, workers))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(right: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not right():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


async def test_a_key_added_twice_is_handled_once() -> None:
    queue: WorkQueue[str] = WorkQueue("q")
    handled: list[str] = []

    async def handle(key: str) -> None:
        handled.append(key)

    for key in ("a", "b", "a"):
        queue.add(key)
    assert len(queue) == 2
    async with working(queue, handle):
        await until(lambda: len(handled) == 2)
        await asyncio.sleep(0.01)
    assert handled == ["a", "b"]


async def test_a_key_is_in_one_hand_and_comes_again_if_added_meanwhile() -> None:
    queue: WorkQueue[str] = WorkQueue("q")
    at_once, most, handled = 0, 0, 0

    async def handle(key: str) -> None:
        nonlocal at_once, most, handled
        at_once, most = at_once + 1, max(most, at_once + 1)
        queue.add(key) if handled == 0 else None
        await asyncio.sleep(0.01)
        at_once, handled = at_once - 1, handled + 1

    queue.add("a")
    async with working(queue, handle):
        await until(lambda: handled == 2)
        await asyncio.sleep(0.02)
    assert (most, handled) == (1, 2)


async def test_keys_are_handled_side_by_side() -> None:
    queue: WorkQueue[str] = WorkQueue("q")
    meeting = asyncio.Barrier(3)

    async def handle(key: str) -> None:
        async with asyncio.timeout(2):
            await meeting.wait()

    for key in ("a", "b", "c"):
        queue.add(key)
    async with working(queue, handle, workers=3):
        await until(lambda: len(queue) == 0 and queue.stuck == 0)


async def test_a_failure_brings_the_key_again_after_a_growing_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_BACKOFF", 0.02)
    queue: WorkQueue[str] = WorkQueue("q")
    tries: list[float] = []

    async def handle(key: str) -> None:
        tries.append(asyncio.get_running_loop().time())
        if len(tries) < 4:
            raise RuntimeError("not yet")

    queue.add("a")
    with capture_logs() as logged:
        async with working(queue, handle):
            await until(lambda: len(tries) == 4)
            await asyncio.sleep(0.05)
    assert [line["error"] for line in logged] == ["not yet"] * 3
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert len(tries) == 4
    assert pauses[0] >= 0.015
    assert pauses[2] > pauses[0] * 2


async def test_a_number_brings_the_key_again() -> None:
    queue: WorkQueue[str] = WorkQueue("q")
    handled = 0

    async def handle(key: str) -> float | None:
        nonlocal handled
        handled += 1
        return 0.01 if handled < 3 else None

    queue.add("a")
    async with working(queue, handle):
        await until(lambda: handled == 3)


async def test_of_two_times_the_earlier_counts() -> None:
    queue: WorkQueue[str] = WorkQueue("q")
    queue.add_after("a", 10)
    queue.add_after("a", 0.01)
    queue.add_after("a", 5)
    await asyncio.sleep(0.05)
    assert len(queue) == 1


async def test_age_is_that_of_the_oldest() -> None:
    queue: WorkQueue[str] = WorkQueue("q")
    assert (queue.oldest, queue.stuck) == (0, 0)
    queue.add("a")
    await asyncio.sleep(0.02)
    queue.add("b")
    assert queue.oldest >= 0.02
    assert queue.stuck == 0
    async with working(queue, lambda key: asyncio.sleep(1), workers=1):
        await until(lambda: queue.stuck > 0)


async def test_durations_are_observed() -> None:
    observed: list[float] = []
    queue: WorkQueue[str] = WorkQueue("q", observed.append)
    queue.add("a")
    async with working(queue, lambda key: asyncio.sleep(0.01)):
        await until(lambda: bool(observed))
    assert observed[0] >= 0.009
