"""The journal's group commit, the log's batches, and the fence."""

import asyncio
import json

import pytest

from tailrace_runner import lease, logs
from tailrace_runner.errors import ClaimLost, Fenced, ServerError
from tailrace_runner.http import Unreachable
from tailrace_runner.journal import MAX_BYTES, MAX_ENTRIES, Journal
from tailrace_runner.logs import Log
from tailrace_runner.redaction import Redactor
from tailrace_runner.text import cut


class Receiver:
    """Takes batches, slowly if it is told to."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.batches = []

    async def __call__(self, items):
        await asyncio.sleep(self.seconds)
        self.batches.append(items)


class TestJournal:
    async def test_entries_that_come_meanwhile_go_together_in_the_next_request(self):
        store = Receiver(0.03)
        journal = Journal(store)
        first = journal.record({"task": "a"})
        await asyncio.sleep(0.01)
        rest = [journal.record({"task": name}) for name in "bcd"]
        await asyncio.gather(first, *rest)
        assert [[entry["task"] for entry in batch] for batch in store.batches] == [["a"], ["b", "c", "d"]]

    async def test_no_entry_is_durable_before_its_request_has_succeeded(self):
        journal = Journal(Receiver(0.05))
        durable = journal.record({"task": "a"})
        await asyncio.sleep(0.02)
        assert not durable.done()
        await journal.flush()
        assert durable.done()

    async def test_a_request_has_no_more_than_the_server_takes(self):
        store = Receiver(0.01)
        journal = Journal(store)
        journal.record({"task": "first"})
        await asyncio.sleep(0)
        for index in range(300):
            journal.record({"task": str(index), "outputs": "x" * 4000})
        await journal.flush()
        assert sum(map(len, store.batches)) == 301
        assert max(map(len, store.batches)) <= MAX_ENTRIES
        assert max(len(json.dumps(batch)) for batch in store.batches) <= MAX_BYTES + 5000

    async def test_flush_of_nothing(self):
        await Journal(Receiver()).flush()

    async def test_a_refusal_reaches_who_waits(self):
        async def refuse(_entries):
            raise ServerError(422, "invalid", "no")

        journal = Journal(refuse)
        with pytest.raises(ServerError):
            await journal.record({"task": "a"})
        with pytest.raises(ServerError):
            await journal.flush()


def log(redactor=None, **options):
    printed = []
    return Log(redactor or Redactor(), lambda: "now", printed.append, **options), printed


class TestLog:
    async def test_lines_go_in_batches_and_are_numbered(self):
        made, printed = log()
        store = Receiver()
        shipping = asyncio.create_task(made.ship(store))
        for index in range(5):
            made.write(str(index), "info", "t", 1)
        assert await made.flush(1)
        shipping.cancel()
        (batch,) = store.batches
        assert [line["seq"] for line in batch] == [1, 2, 3, 4, 5]
        assert batch[0] == {**printed[0], "seq": 1}
        assert printed[0] == {"time": "now", "level": "info", "task": "t", "attempt": 1, "message": "0"}

    async def test_a_line_is_shipped_within_the_delay(self):
        made, _ = log()
        store = Receiver()
        shipping = asyncio.create_task(made.ship(store))
        made.write("x")
        await asyncio.sleep(logs.DELAY + 0.1)
        shipping.cancel()
        assert len(store.batches) == 1

    async def test_memory_is_bounded_and_what_is_missing_is_told(self, monkeypatch):
        monkeypatch.setattr(logs, "MAX_BUFFERED", 2000)
        made, printed = log()
        for _ in range(100):
            made.write("x" * 100)
        store = Receiver()
        shipping = asyncio.create_task(made.ship(store))
        await made.flush(1)
        made.write("after")
        await made.flush(1)
        shipping.cancel()
        shipped = [line["message"] for batch in store.batches for line in batch]
        assert len(printed) == 101
        assert shipped[-2:] == ["90 lines are missing here: the store could not take them in time", "after"]

    async def test_a_batch_that_is_refused_does_not_stop_those_after(self):
        taken = []

        async def store(lines):
            if lines[0]["message"] == "bad":
                raise ServerError(422, "invalid", "no")
            taken.extend(line["message"] for line in lines)

        made, _ = log()
        shipping = asyncio.create_task(made.ship(store))
        made.write("bad")
        await made.flush(1)
        made.write("good")
        await made.flush(1)
        shipping.cancel()
        assert taken == ["1 lines are missing here: the store could not take them in time", "good"]

    async def test_flush_gives_up_in_time(self):
        made, _ = log()
        shipping = asyncio.create_task(made.ship(Receiver(60)))
        made.write("x")
        assert not await made.flush(0.05)
        shipping.cancel()

    async def test_a_secret_at_the_cut_does_not_come_through_in_half(self):
        redactor = Redactor()
        redactor.add("hunter2-hunter2")
        made, printed = log(redactor)
        made.write("x" * (logs.MAX_LINE - 20) + "hunter2-hunter2" + "y" * 100)
        assert "hunter" not in printed[0]["message"]
        assert len(printed[0]["message"].encode()) <= logs.MAX_LINE

    def test_what_a_database_cannot_hold_is_made_visible(self):
        assert cut("a\0b", 100) == "a\N{REPLACEMENT CHARACTER}b"

    @pytest.mark.parametrize("text", ["", "short", "é" * 50])
    def test_what_fits_is_not_cut(self, text):
        assert cut(text, 100) == text


class TestLease:
    async def hold(self, renew, *, every=0.02, fence_after=0.2):
        await asyncio.wait_for(lease.hold(renew, every=every, fence_after=fence_after), 3)

    async def test_renews_for_as_long_as_it_can(self):
        calls = []

        async def renew(_seconds):
            calls.append(1)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lease.hold(renew, every=0.02, fence_after=0.1), 0.3)
        assert len(calls) > 5

    @pytest.mark.parametrize(
        "failure",
        [
            pytest.param(Unreachable("away"), id="no connection"),
            pytest.param(ServerError(500, "internal", "x"), id="a fault of the server"),
            pytest.param(ServerError(403, "not_claimant", "x"), id="a claim never seen"),
        ],
    )
    async def test_is_fenced_when_no_renewal_succeeds(self, failure):
        async def renew(_seconds):
            raise failure

        before = asyncio.get_running_loop().time()
        with pytest.raises(Fenced):
            await self.hold(renew)
        assert 0.15 < asyncio.get_running_loop().time() - before < 1

    async def test_is_fenced_though_the_server_never_answers(self):
        with pytest.raises(Fenced):
            await self.hold(lambda _seconds: asyncio.sleep(60))

    async def test_a_success_counts_from_when_it_was_sent(self):
        answers = iter([0.15])

        async def renew(_seconds):
            await asyncio.sleep(next(answers, 60))

        before = asyncio.get_running_loop().time()
        with pytest.raises(Fenced):
            await self.hold(renew, every=0.16, fence_after=0.2)
        assert asyncio.get_running_loop().time() - before < 0.3

    async def test_stops_at_once_when_a_held_claim_is_another_s(self):
        answers = iter([None])

        async def renew(_seconds):
            if next(answers, "refuse") == "refuse":
                raise ServerError(403, "not_claimant", "x")

        before = asyncio.get_running_loop().time()
        with pytest.raises(ClaimLost):
            await self.hold(renew, fence_after=2)
        assert asyncio.get_running_loop().time() - before < 0.5
