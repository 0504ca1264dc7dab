"""Tasks as callers see them: status and journal together."""

from typing import Any

import pytest

from tailrace_api.core.task_views import merge
from tailrace_api.store.journal import Entry


def status(phase: str, name: str = "a", **fields: Any) -> dict[str, Any]:
    return {"name": name, "phase": phase, **fields}


def entry(phase: str, attempt: int = 1, name: str = "a", **fields: Any) -> Entry:
    return Entry(task=name, attempt=attempt, phase=phase, **fields)


@pytest.mark.parametrize(
    ("task", "journal", "phase", "reason"),
    [
        (status("Running"), [], "Running", "nothing has ended"),
        (status("Running"), [entry("Succeeded")], "Succeeded", "the journal is ahead of the status"),
        (status("Running", attempts=1), [entry("Failed")], "Running", "a failed attempt may be tried again"),
        (
            status("Running", attempts=2),
            [entry("Succeeded", 1)],
            "Running",
            "the second attempt is under way",
        ),
        (status("Failed", attempts=2), [entry("Failed", 1), entry("Failed", 2)], "Failed", "it has ended"),
        (status("Succeeded"), [], "Succeeded", "the journal need not have it"),
        (status("Skipped"), [], "Skipped", "never started"),
        (status("Pending"), [], "Pending", "not yet started"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else None,
)
def test_where_a_task_stands(task: Any, journal: list[Entry], phase: str, reason: str) -> None:
    (view,) = merge([task], journal, {})
    assert view.phase == phase, reason
    assert view.ended == (phase not in {"Running", "Pending"})


def test_the_last_attempt_counts() -> None:
    journal = [entry("Failed", 1, message="no"), entry("Succeeded", 2, outputs={"n": 2})]
    (view,) = merge([status("Succeeded", type="util.set")], journal, {})
    assert (view.outputs, view.type, view.message) == ({"n": 2}, "util.set", None)


def test_tasks_beyond_those_of_the_status_follow() -> None:
    journal = [entry("Succeeded", name="b"), entry("Succeeded", name="a")]
    views = merge([status("Succeeded")], journal, {"a": "x.a", "b": "x.b"})
    assert [(view.name, view.type) for view in views] == [("a", "x.a"), ("b", "x.b")]
