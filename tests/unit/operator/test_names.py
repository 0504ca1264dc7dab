import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace_operator.logic import names, revisions

UID = "0f3cbb52-1111-2222-3333-444444444444"
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", fullmatch=True)
OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(names.job("nightly", UID, 2), "nightly-0f3cbb52-2", id="job"),
        pytest.param(
            names.job("a" * 39 + ".b", UID, 1), "a" * 39 + "-0f3cbb52-1", id="job: no dot before the dash"
        ),
        pytest.param(names.task_job("r", UID, "build", 1), "r-0f3cbb52-16120243", id="task"),
        pytest.param(names.revision("hello", "ab" * 32), "hello-ababababab", id="revision"),
        pytest.param(names.scheduled_run("t", datetime(2026, 1, 1, tzinfo=UTC)), "t-29453760", id="slot"),
        pytest.param(names.label("short.name"), "short.name", id="label"),
    ],
)
def test_names(found: str, expected: str) -> None:
    assert found == expected


@given(NAMES, st.integers(1, 100))
def test_a_jobs_name_is_also_a_label(run: str, attempt: int) -> None:
    found = names.job(run, UID, attempt)
    assert OBJECT_NAME.fullmatch(found)
    assert len(found) <= names.MAX_LABEL


@given(NAMES)
def test_long_names_stay_names(name: str) -> None:
    for found in (
        names.revision(name, "f" * 64),
        names.scheduled_run(name, datetime(2026, 1, 1, tzinfo=UTC)),
        names.event(name, UID, "RunFailed"),
    ):
        assert len(found) <= names.MAX_NAME
        assert OBJECT_NAME.fullmatch(found)


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", fullmatch=True) | NAMES)
def test_every_name_can_be_a_label(name: str) -> None:
    assert names.LABEL.fullmatch(names.label(name))


def test_names_that_differ_late_have_different_labels() -> None:
    assert names.label("a" * 100 + "x") != names.label("a" * 100 + "y")


def test_tasks_and_attempts_have_jobs_of_their_own() -> None:
    found = {names.task_job("r", UID, task, attempt) for task in ("a", "b") for attempt in (1, 2)}
    assert len(found) == 4


def test_the_same_spec_is_the_same_revision_however_it_is_written() -> None:
    one = {"tasks": [{"name": "a", "type": "util.log"}], "vars": {"x": 1, "y": 2}}
    two = {"vars": {"y": 2, "x": 1}, "tasks": [{"type": "util.log", "name": "a"}]}
    assert revisions.digest(one) == revisions.digest(two)
    assert revisions.digest(one) != revisions.digest({**one, "tasks": []})


def test_a_revision_pins_the_spec_and_goes_with_its_flow() -> None:
    flow = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Flow",
        "metadata": {"name": "hello", "namespace": "team-a", "uid": "f"},
        "spec": {"tasks": []},
    }
    made = revisions.build(flow, 3)
    assert made["revision"] == 3
    assert made["data"] == {"spec": {"tasks": []}}
    assert made["metadata"]["name"] == f"hello-{revisions.digest({'tasks': []})[:10]}"
    assert revisions.is_owned(made, flow)
    assert not revisions.is_owned(made, {**flow, "metadata": {**flow["metadata"], "uid": "another"}})
