from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tailrace_operator.logic.due_times import DueTimes


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_due_times_come_in_order_and_once() -> None:
    due: DueTimes[str] = DueTimes()
    for key, minute in (("c", 3), ("a", 1), ("b", 2)):
        due.set(key, datetime(2026, 1, 1, 0, minute, tzinfo=UTC))
    assert due.first() == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert due.pop_due(datetime(2026, 1, 1, 0, 2, tzinfo=UTC)) == ["a", "b"]
    assert due.pop_due(datetime(2026, 1, 1, 0, 2, tzinfo=UTC)) == []
    assert len(due) == 1


def test_a_key_has_one_time() -> None:
    due: DueTimes[str] = DueTimes()
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    due.set("a", early)
    due.set("a", late)
    assert due.pop_due(early) == []
    due.set("a", None)
    assert due.first() is None


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 50)))), st.integers(0, 50))
def test_due_times_agree_with_a_dictionary(changes: list[tuple[int, int | None]], minute: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    due: DueTimes[int] = DueTimes()
    simple: dict[int, datetime] = {}
    for key, offset in changes:
        time = None if offset is None else start + timedelta(minutes=offset)
        due.set(key, time)
        simple.pop(key, None)
        if time is not None:
            simple[key] = time
    now = start + timedelta(minutes=minute)
    popped = due.pop_due(now)
    assert sorted(popped) == sorted(key for key, time in simple.items() if time <= now)
    assert [simple[key] for key in popped] == sorted(simple[key] for key in popped)
