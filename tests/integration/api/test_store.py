"""The repositories, against SQLite and PostgreSQL alike."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tailrace_api import retention
from tailrace_api.store.database import Unavailable, engine
from tailrace_api.store.journal import Entry
from tailrace_api.store.kv import KvEntry
from tailrace_api.store.ledger import Firing
from tailrace_api.store.logs import START, LogLine
from tailrace_api.store.outputs import PIECE
from tailrace_api.store.runs import ArchivedRun
from tailrace_api.store.store import Store

NOW = datetime(2026, 3, 25, 10, 0, 0, tzinfo=UTC)


def entry(task: str, attempt: int = 1, **fields: Any) -> Entry:
    return Entry(task=task, attempt=attempt, phase=fields.pop("phase", "Succeeded"), **fields)


async def test_the_journal_keeps_the_first_of_each_attempt(opened: Store) -> None:
    assert await opened.journal.add("u1", [entry("a", outputs={"n": 1}), entry("b")], NOW) == 2
    assert await opened.journal.add("u1", [entry("a", outputs={"n": 2}), entry("a", 2)], NOW) == 1
    found = await opened.journal.entries("u1")
    assert [(item.task, item.attempt) for item in found] == [("a", 1), ("b", 1), ("a", 2)] or [
        (item.task, item.attempt) for item in found
    ] == [("a", 1), ("a", 2), ("b", 1)]
    assert found[0].outputs == {"n": 1}
    assert await opened.journal.entries("u2") == []


async def test_entries_come_back_in_the_order_in_which_they_came(opened: Store) -> None:
    await opened.journal.add("u1", [entry("z"), entry("a")], NOW)
    await opened.journal.add("u1", [entry("m")], NOW + timedelta(seconds=1))
    assert [item.task for item in await opened.journal.entries("u1")] == ["z", "a", "m"]


@pytest.mark.parametrize(
    "value",
    [None, 0, False, "", [], {}, "ä\u0000→\U0001f600", {"a": [1, 2.5, None]}, 2**53],
    ids=[
        "null",
        "zero",
        "false",
        "empty text",
        "empty list",
        "empty object",
        "odd characters",
        "nested",
        "large",
    ],
)
async def test_a_value_comes_back_as_it_went_in(opened: Store, value: Any) -> None:
    await opened.kv.put(KvEntry("ns", "k", "before", NOW))
    await opened.kv.put(KvEntry("ns", "k", value, NOW))
    found = await opened.kv.get("ns", "k")
    assert found == KvEntry("ns", "k", value, NOW)
    assert type(found.value) is type(value)


async def test_keys_are_listed_by_namespace_in_order(opened: Store) -> None:
    for key in ("b", "a", "c/d"):
        await opened.kv.put(KvEntry("ns", key, 1, NOW))
    await opened.kv.put(KvEntry("other", "x", 1, NOW))
    assert await opened.kv.keys("ns", "", 10) == ["a", "b", "c/d"]
    assert await opened.kv.keys("ns", "a", 1) == ["b"]
    assert await opened.kv.delete("ns", "a")
    assert not await opened.kv.delete("ns", "a")
    assert await opened.kv.get("ns", "a") is None


def line(seq: int, message: str = "m", attempt: int = 1) -> LogLine:
    return LogLine(attempt, seq, "2026-03-25T10:00:00Z", "t", 1, "info", message)


async def test_log_lines_are_ordered_by_attempt_and_number_and_kept_once(opened: Store) -> None:
    await opened.logs.add("u1", [line(2), line(1), line(1, attempt=2)], NOW)
    await opened.logs.add("u1", [line(2, "again"), line(3)], NOW)
    found = await opened.logs.after("u1", START, 10)
    assert [(item.run_attempt, item.seq, item.message) for item in found] == [
        (1, 1, "m"),
        (1, 2, "m"),
        (1, 3, "m"),
        (2, 1, "m"),
    ]
    assert [item.seq for item in await opened.logs.after("u1", (1, 2), 1)] == [3]


async def test_a_line_with_nul_is_kept(opened: Store) -> None:
    await opened.logs.add("u1", [line(1, "a\0b")], NOW)
    assert (await opened.logs.after("u1", START, 1))[0].message == "a\ufffdb"


async def test_a_thousand_lines_at_once(opened: Store) -> None:
    await opened.logs.add("u1", [line(number) for number in range(2000)], NOW)
    assert len(await opened.logs.after("u1", START, 5000)) == 2000


async def test_readers_of_a_log_are_woken(opened: Store) -> None:
    news = opened.logs.subscribe("u1")
    others = opened.logs.subscribe("u2")
    await opened.logs.add("u1", [line(1)], NOW)
    assert news.is_set()
    assert not others.is_set()
    opened.logs.unsubscribe("u1", news)


async def test_a_cause_is_taken_once(opened: Store) -> None:
    until = NOW + timedelta(hours=1)
    key = ("ns", "flow", "request/1")
    assert await opened.causes.reserve(*key, "h", now=NOW, expires_at=until) is None
    again = await opened.causes.reserve(*key, "other", now=NOW, expires_at=until)
    assert again is not None
    assert (again.request_hash, again.run_uid) == ("h", None)
    await opened.causes.settle(*key, "uid")
    settled = await opened.causes.reserve(*key, "h", now=NOW, expires_at=until)
    assert settled is not None
    assert settled.run_uid == "uid"


async def test_a_cause_is_free_again_after_its_time_and_when_released(opened: Store) -> None:
    key = ("ns", "flow", "request/1")
    await opened.causes.reserve(*key, "h", now=NOW, expires_at=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=1)
    assert await opened.causes.reserve(*key, "h", now=later, expires_at=later + timedelta(hours=1)) is None
    await opened.causes.release(*key)
    assert await opened.causes.reserve(*key, "h", now=later, expires_at=later + timedelta(hours=1)) is None
    await opened.causes.settle(*key, "uid")
    await opened.causes.release(*key)
    assert await opened.causes.reserve(*key, "h", now=later, expires_at=later) is not None


async def test_of_many_at_once_one_gets_the_cause(opened: Store) -> None:
    until = NOW + timedelta(hours=1)

    async def reserve() -> bool:
        return await opened.causes.reserve("ns", "f", "c", "h", now=NOW, expires_at=until) is None

    assert sum(await asyncio.gather(*(reserve() for _ in range(20)))) == 1


def firing(**fields: Any) -> Firing:
    return Firing("ns", "trigger", "t1", fields.pop("result", "run"), NOW, **fields)


async def test_the_ledger_keeps_each_slot_and_cause_once(opened: Store) -> None:
    slots = [NOW + timedelta(minutes=minute) for minute in (2, 0, 1)]
    assert await opened.ledger.add([firing(slot=slot) for slot in slots]) == 3
    assert await opened.ledger.add([firing(slot=NOW, result="missed"), firing(cause="d\0")]) == 1
    assert await opened.ledger.add([firing(cause="d\0")]) == 0
    assert await opened.ledger.slots("ns", "t1", None) == sorted(slots)
    assert await opened.ledger.slots("ns", "t1", NOW) == sorted(slots)[1:]
    assert await opened.ledger.slots("other", "t1", None) == []
    assert [item.result for item in await opened.ledger.of_trigger("t1", 10)] == ["run"] * 4


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def collected(opened: Store, uid: str, task: str) -> bytes:
    return b"".join([piece async for piece in opened.outputs.read(uid, task)])


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE + 17])
async def test_outputs_come_back_whole(opened: Store, size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    assert await opened.outputs.write("u1", "t", chunks(data[:100], data[100:]), NOW) == size
    assert await opened.outputs.size("u1", "t") == size
    assert await collected(opened, "u1", "t") == data


async def test_outputs_replace_earlier_ones_and_leave_nothing(opened: Store) -> None:
    await opened.outputs.write("u1", "t", chunks(b"x" * (PIECE + 1)), NOW)
    await opened.outputs.write("u1", "t", chunks(b"new"), NOW)
    assert await collected(opened, "u1", "t") == b"new"
    assert await count(opened, "output_pieces") == 1


async def test_an_upload_that_breaks_off_leaves_the_old_outputs(opened: Store) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * (PIECE + 1)
        raise ConnectionError

    await opened.outputs.write("u1", "t", chunks(b"old"), NOW)
    with pytest.raises(ConnectionError):
        await opened.outputs.write("u1", "t", broken(), NOW)
    assert await collected(opened, "u1", "t") == b"old"
    assert await count(opened, "output_pieces") == 1


async def count(opened: Store, table: str) -> int:
    async with opened.database.reading() as connection:
        return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())  # noqa: S608


async def test_containers_are_asked_for_once_and_end_once(opened: Store) -> None:
    async def ask(attempt: int = 1) -> int:
        return await opened.containers.request(
            namespace="ns", run="r", run_uid="u1", task="t", attempt=attempt, args=["a"], env=None, now=NOW
        )

    first = await ask()
    assert await ask() == first
    second = await ask(2)
    assert [item.id for item in await opened.containers.unfinished()] == [first, second]
    assert await opened.containers.finish(first, exit_code=3, message="m", result={"a": 1}, log="l")
    assert await opened.containers.finish(first, exit_code=0, message=None, result=None, log=None)
    found = await opened.containers.get(first)
    assert found is not None
    assert (found.done, found.exit_code, found.result) == (True, 3, {"a": 1})
    assert not await opened.containers.finish(10**9, exit_code=0, message=None, result=None, log=None)
    await opened.containers.forget_run("u1")
    assert await opened.containers.get(second) is None


async def test_who_waits_for_a_container_is_woken(opened: Store) -> None:
    waiting = asyncio.create_task(opened.containers.changed(30))
    await asyncio.sleep(0)
    await opened.containers.request(
        namespace="ns", run="r", run_uid="u1", task="t", attempt=1, args=None, env=None, now=NOW
    )
    await asyncio.wait_for(waiting, 5)


def archived(number: int, **fields: Any) -> ArchivedRun:
    created = NOW + timedelta(seconds=number // 2)
    values: dict[str, Any] = {
        "uid": f"uid-{number}",
        "id": f"id-{number}",
        "namespace": "ns",
        "name": f"run-{number}",
        "flow": "flow",
        "flow_id": "f1",
        "phase": "Succeeded",
        "created_at": created,
        "summary": {"number": number},
        "object": {"number": number, "whole": True},
    }
    return ArchivedRun(**{**values, **fields})


async def test_the_archive_pages_by_key(opened: Store) -> None:
    for number in range(5):
        await opened.archive.put(archived(number), NOW)
    await opened.archive.put(archived(9, namespace="other"), NOW)
    first = await opened.archive.newest({"ns"}, before=None, limit=2)
    assert [item.summary["number"] for item in first] == [4, 3]
    after = (NOW + timedelta(seconds=1), "uid-3")
    second = await opened.archive.newest({"ns"}, before=after, limit=10)
    assert [item.summary["number"] for item in second] == [2, 1, 0]


async def test_the_archive_filters_by_flow_and_phase(opened: Store) -> None:
    await opened.archive.put(archived(1, phase="Failed"), NOW)
    await opened.archive.put(archived(2, flow_id="f2"), NOW)
    failed = await opened.archive.newest({"ns"}, before=None, limit=9, phases={"Failed"})
    assert [item.summary["number"] for item in failed] == [1]
    of_flow = await opened.archive.newest({"ns"}, before=None, limit=9, flow_id="f2")
    assert [item.summary["number"] for item in of_flow] == [2]


async def test_archiving_again_replaces_but_keeps_the_flow(opened: Store) -> None:
    await opened.archive.put(archived(1), NOW)
    await opened.archive.put(archived(1, flow_id=None, object={"whole": "again"}), NOW)
    assert await opened.archive.get("id-1") == ({"whole": "again"}, "f1")
    assert await opened.archive.get("uid-1") == ({"whole": "again"}, "f1")
    assert await opened.archive.named("ns", "run-1") == ({"whole": "again"}, "f1")
    assert await opened.archive.get("uid-2") is None


async def test_a_claim_is_renewed_by_its_pod(opened: Store) -> None:
    await opened.claims.renew("u1", "p1", NOW)
    await opened.claims.renew("u1", "p2", NOW + timedelta(seconds=5))
    found = await opened.claims.renewals()
    assert (found["u1"].pod_uid, found["u1"].renewed_at) == ("p2", NOW + timedelta(seconds=5))
    await opened.claims.forget("u1")
    assert await opened.claims.renewals() == {}


async def test_one_operation_that_fails_does_not_undo_its_neighbours(opened: Store) -> None:
    async def broken(_connection: Any) -> None:
        raise ValueError("this one")

    results = await asyncio.gather(
        opened.kv.put(KvEntry("ns", "a", 1, NOW)),
        opened.database.write(broken),
        opened.kv.put(KvEntry("ns", "b", 2, NOW)),
        return_exceptions=True,
    )
    assert [type(item) for item in results] == [type(None), ValueError, type(None)]
    assert await opened.kv.keys("ns", "", 10) == ["a", "b"]


async def test_a_hundred_writers_share_few_commits(opened: Store) -> None:
    commits = []
    opened.database._observe = lambda kind, _seconds: commits.append(kind)
    await asyncio.gather(*(opened.kv.put(KvEntry("ns", f"{n:03}", n, NOW)) for n in range(100)))
    assert len(await opened.kv.keys("ns", "", 1000)) == 100
    assert commits.count("commit") <= 3


async def test_what_is_over_is_swept(opened: Store) -> None:
    await opened.causes.reserve("ns", "f", "c", "h", now=NOW, expires_at=NOW + timedelta(hours=1))
    await opened.claims.renew("u1", "p1", NOW)
    await opened.outputs._add_piece("left over", 0, b"x", NOW)
    await opened.outputs.write("u1", "t", chunks(b"kept"), NOW)
    await retention.once(opened, NOW + timedelta(minutes=59))
    assert [await count(opened, table) for table in ("causes", "claims", "output_pieces")] == [1, 1, 2]
    await retention.once(opened, NOW + timedelta(days=3))
    assert [await count(opened, table) for table in ("causes", "claims", "output_pieces")] == [0, 0, 1]


async def test_a_database_that_is_away_is_told_apart() -> None:
    from tailrace_api.store.database import Database

    away = Database(engine("postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(Unavailable):
        await away.ping()
    await away.close()


def test_an_unknown_database_is_named() -> None:
    with pytest.raises(ValueError, match="mysql"):
        engine("mysql://localhost/x")
