from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tailrace_operator.logic.admission import (
    Action,
    Admit,
    Archive,
    Assign,
    CreateJob,
    Delete,
    DeleteJob,
    End,
    Limits,
    MarkQueued,
    Memory,
    Wait,
    Warn,
    backoff,
    decide,
)
from tailrace_operator.logic.views import Attempt, AttemptState, RunView

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LIMITS = Limits(ttl=3600, timeout=600, max_lost_attempts=3)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def run(**changes: Any) -> RunView:
    return RunView(**{"name": "r", "uid": "u", "created": ago(10), **changes})


def assigned(attempt: int = 1, **changes: Any) -> RunView:
    return run(**{"phase": "Queued", "attempt": attempt, "assigned_uid": f"p{attempt}", **changes})


def running(attempt: int = 1, **changes: Any) -> RunView:
    return assigned(attempt, **{"phase": "Running", "claimed": True, "started": ago(5), **changes})


def over(phase: str = "Succeeded", seconds: float = 1, **changes: Any) -> RunView:
    return running(**{"phase": phase, "completed": ago(seconds), **changes})


def absent(number: int = 1) -> Attempt:
    return Attempt(number, AttemptState.ABSENT, f"j{number}")


def starting(number: int = 1, age: float = 1, detail: str = "") -> Attempt:
    return Attempt(number, AttemptState.STARTING, f"j{number}", active=True, created=ago(age), detail=detail)


def pod(number: int = 1, **changes: Any) -> Attempt:
    fields = {"active": True, "pod": f"pod{number}", "pod_uid": f"p{number}", "created": ago(5), **changes}
    return Attempt(number, AttemptState.POD, f"j{number}", **fields)


def pod_gone(number: int = 1) -> Attempt:
    return Attempt(number, AttemptState.POD_GONE, f"j{number}", active=True)


def ended(number: int = 1, age: float = 1, detail: str = "OOMKilled") -> Attempt:
    return Attempt(number, AttemptState.ENDED, f"j{number}", ended=ago(age), detail=detail)


CASES: list[tuple[str, RunView, list[Attempt], Memory, Action]] = [
    ("a new Run is looked at", run(), [], Memory(), Admit()),
    ("its Job has no pod yet", run(), [starting(age=1)], Memory(), Wait(2)),
    (
        "after 3 s a person should see why",
        run(),
        [starting(age=4)],
        Memory(),
        MarkQueued("waiting for a pod"),
    ),
    (
        "with what is known of the reason",
        run(),
        [starting(age=4, detail="quota")],
        Memory(),
        MarkQueued("quota"),
    ),
    ("said once is enough", run(phase="Queued"), [starting(age=9)], Memory(), Wait()),
    ("the pod gets the Run", run(), [pod()], Memory(), Assign(pod())),
    ("also where it was said to wait", run(phase="Queued"), [pod()], Memory(), Assign(pod())),
    (
        "the first Job ended before its pod was assigned",
        run(),
        [ended(1)],
        Memory(),
        CreateJob(2, "OOMKilled"),
    ),
    ("an assigned pod that does not run yet", assigned(), [pod()], Memory(), Wait()),
    (
        "a pod that cannot start has a moment",
        assigned(),
        [pod(created=ago(4), detail="ErrImagePull")],
        Memory(),
        Wait(6),
    ),
    (
        "then a person is told",
        assigned(),
        [pod(created=ago(10), detail="ErrImagePull")],
        Memory(),
        Warn(pod(created=ago(10), detail="ErrImagePull")),
    ),
    ("once", assigned(), [pod(created=ago(99), detail="ErrImagePull")], Memory(warned=1), Wait()),
    ("has two minutes to claim once it runs", assigned(), [pod(pod_started=ago(20))], Memory(), Wait(100)),
    (
        "and is lost afterwards",
        assigned(),
        [pod(pod_started=ago(121))],
        Memory(),
        DeleteJob("j1", "its pod has not claimed the Run in 120 s"),
    ),
    ("a claimed Run is its runner's until the timeout", running(), [pod()], Memory(), Wait(625)),
    ("a Job that ended is a lost attempt", running(), [ended()], Memory(), CreateJob(2, "OOMKilled")),
    ("as is one that vanished", running(), [absent()], Memory(), CreateJob(2, "its Job is gone")),
    (
        "a pod that vanished takes its Job along",
        running(),
        [pod_gone()],
        Memory(),
        DeleteJob("j1", "its pod is gone"),
    ),
    ("the next attempt is on its way", running(), [ended(), starting(2)], Memory(), Wait()),
    ("and gets the Run", running(), [ended(), pod(2)], Memory(), Assign(pod(2))),
    ("the third attempt waits a little", running(2), [ended(1), ended(2, age=0.5)], Memory(), Wait(1.5)),
    ("but not for ever", running(2), [ended(1), ended(2, age=2)], Memory(), CreateJob(3, "OOMKilled")),
    (
        "and not where the time of the loss is unknown",
        running(2),
        [ended(1)],
        Memory(),
        CreateJob(3, "its Job is gone"),
    ),
    (
        "three losses are enough",
        running(3),
        [ended(1), ended(2), ended(3)],
        Memory(),
        End("Failed", "PodLost", "3 attempts were lost, the last: OOMKilled"),
    ),
    (
        "the backstop of the timeout",
        running(started=ago(630)),
        [pod()],
        Memory(),
        End("TimedOut", "TimedOut", "not ended 30 s after its timeout"),
    ),
    (
        "holds between attempts as well",
        running(started=ago(700)),
        [ended(1)],
        Memory(),
        End("TimedOut", "TimedOut", "not ended 30 s after its timeout"),
    ),
    (
        "a cancel before anything began",
        run(cancel=True),
        [],
        Memory(cancel_seen=NOW),
        End("Cancelled", "Cancelled", "cancelled before a runner had taken it"),
    ),
    (
        "a cancel of an unclaimed Run",
        assigned(cancel=True),
        [pod()],
        Memory(cancel_seen=NOW),
        End("Cancelled", "Cancelled", "cancelled before a runner had taken it"),
    ),
    ("a runner may cancel by itself", running(cancel=True), [pod()], Memory(cancel_seen=ago(10)), Wait(20)),
    (
        "for half a minute",
        running(cancel=True),
        [pod()],
        Memory(cancel_seen=ago(30)),
        End("Cancelled", "Cancelled", "the runner did not stop within 30 s"),
    ),
    (
        "a lost runner cannot",
        running(cancel=True),
        [ended()],
        Memory(cancel_seen=NOW),
        End("Cancelled", "Cancelled", "cancelled before a runner had taken it"),
    ),
    ("an end is archived", over(), [ended()], Memory(), Archive()),
    ("then its time to live runs", over(seconds=600), [ended()], Memory(archived=True), Wait(3000)),
    ("then it is removed", over(seconds=3600), [ended()], Memory(archived=True), Delete()),
    ("but never before it is archived", over(seconds=9999), [ended()], Memory(), Archive()),
    ("the runner of an ended Run exits by itself", over(seconds=1), [pod()], Memory(archived=True), Wait(29)),
    ("within half a minute", over(seconds=30), [pod()], Memory(), DeleteJob("j1", "the Run has ended")),
    (
        "a pod that never claimed has nothing to finish",
        over("Cancelled", claimed=False),
        [pod()],
        Memory(),
        DeleteJob("j1", "the Run has ended"),
    ),
    ("a Run that is being removed is left alone", running(deleting=True), [absent()], Memory(), Wait()),
]


@pytest.mark.parametrize(
    ("view", "attempts", "memory", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_decide(view: RunView, attempts: list[Attempt], memory: Memory, expected: Action) -> None:
    found = decide(view, {attempt.number: attempt for attempt in attempts}, LIMITS, memory, NOW)
    assert found == expected


def test_without_a_timeout_nothing_waits() -> None:
    assert decide(running(), {1: pod()}, Limits(), Memory(), NOW) == Wait(None)


def test_backoff_doubles_up_to_a_minute() -> None:
    assert [backoff(attempt) for attempt in (1, 2, 3, 4, 5, 9)] == [0, 0, 2, 4, 8, 60]


@pytest.mark.parametrize("phase", ["Succeeded", "Partial", "Failed", "Cancelled", "TimedOut"])
def test_no_end_is_followed_by_another_attempt(phase: str) -> None:
    for attempts in ([], [absent()], [ended()], [pod_gone()], [ended(), ended(2)]):
        found = decide(over(phase), {item.number: item for item in attempts}, LIMITS, Memory(), NOW)
        assert not isinstance(found, Admit | CreateJob | Assign | End)


def test_a_run_is_read_from_its_object() -> None:
    view = RunView.of(
        {
            "metadata": {"name": "r", "uid": "u", "creationTimestamp": "2026-11-23T12:00:00Z"},
            "spec": {"flow": "f", "cancel": True},
            "status": {
                "phase": "Running",
                "assigned": {"pod": "p", "podUID": "1", "attempt": 2},
                "claim": {"pod": "o", "podUID": "0", "attempt": 1},
                "startTime": "2026-11-23T12:00:01.5Z",
            },
        }
    )
    assert (view.attempt, view.assigned_uid, view.cancel) == (2, "1", True)
    assert not view.claimed, "a claim of the attempt before is none"
    assert view.started == NOW + timedelta(seconds=1.5)
