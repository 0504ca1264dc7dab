from typing import Any

import pytest

from tailrace_operator.jobs.observe import attempt_of, project_job, project_pod
from tailrace_operator.logic.views import AttemptState

TIME = "2026-11-23T12:00:00Z"


def job(*conditions: dict[str, str], **metadata: Any) -> dict[str, Any]:
    return project_job(
        {
            "metadata": {
                "name": "j",
                "namespace": "n",
                "uid": "ju",
                "resourceVersion": "1",
                "creationTimestamp": TIME,
                "managedFields": [{}],
                "labels": {"tailrace.dev/attempt": "1", "other": "x"},
                "annotations": {"tailrace.dev/run": "r", "other": "x"},
                **metadata,
            },
            "spec": {"template": {}},
            "status": {"conditions": list(conditions)},
        }
    )


def condition(kind: str, status: str = "True", reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": TIME}


def pod(
    uid: str = "p", created: str = TIME, metadata: dict[str, Any] | None = None, **status: Any
) -> dict[str, Any]:
    return project_pod(
        {
            "metadata": {
                "name": f"pod-{uid}",
                "namespace": "n",
                "uid": uid,
                "resourceVersion": "1",
                "creationTimestamp": created,
                **(metadata or {}),
            },
            "spec": {"containers": []},
            "status": {"phase": "Running", **status},
        }
    )


def state(**container: Any) -> list[dict[str, Any]]:
    return [{"name": "runner", "state": container}]


FAILED = condition("Failed", reason="BackoffLimitExceeded", message="Job has reached its limit")
KILLED = state(terminated={"exitCode": 137, "reason": "OOMKilled", "finishedAt": TIME})


@pytest.mark.parametrize(
    ("found", "pods", "assigned", "expected", "detail"),
    [
        pytest.param(None, [], None, AttemptState.ABSENT, "", id="no Job"),
        pytest.param(job(), [], None, AttemptState.STARTING, "", id="no pod yet"),
        pytest.param(job(), [pod()], None, AttemptState.POD, "", id="a pod"),
        pytest.param(job(), [pod()], "p", AttemptState.POD, "", id="the assigned pod"),
        pytest.param(
            job(), [pod("other")], "p", AttemptState.POD_GONE, "", id="another pod is not the assigned one"
        ),
        pytest.param(job(), [], "p", AttemptState.POD_GONE, "", id="the assigned pod is gone"),
        pytest.param(
            job(),
            [pod(metadata={"deletionTimestamp": TIME})],
            None,
            AttemptState.STARTING,
            "",
            id="a pod that goes is not given a Run",
        ),
        pytest.param(
            job(),
            [pod(metadata={"deletionTimestamp": TIME})],
            "p",
            AttemptState.POD,
            "",
            id="a pod that goes may still finish",
        ),
        pytest.param(
            job(),
            [pod(phase="Failed", containerStatuses=KILLED)],
            "p",
            AttemptState.ENDED,
            "pod pod-p: OOMKilled (exit code 137)",
            id="killed",
        ),
        pytest.param(
            job(FAILED),
            [pod(phase="Failed", reason="Evicted")],
            "p",
            AttemptState.ENDED,
            "pod pod-p: Evicted",
            id="evicted",
        ),
        pytest.param(
            job(FAILED),
            [],
            "p",
            AttemptState.ENDED,
            "BackoffLimitExceeded: Job has reached its limit",
            id="failed, pod collected",
        ),
        pytest.param(
            job(condition("Complete")), [], "p", AttemptState.ENDED, "its Job is Complete", id="complete"
        ),
        pytest.param(
            job(condition("Failed", "False")),
            [pod()],
            "p",
            AttemptState.POD,
            "",
            id="a condition that does not hold",
        ),
        pytest.param(
            job(condition("FailureTarget")), [pod()], "p", AttemptState.POD, "", id="on its way to failing"
        ),
        pytest.param(
            job(deletionTimestamp=TIME),
            [],
            None,
            AttemptState.ENDED,
            "its Job was deleted",
            id="being deleted",
        ),
    ],
)
def test_attempt(
    found: Any, pods: list[Any], assigned: str | None, expected: AttemptState, detail: str
) -> None:
    attempt = attempt_of(1, "j", found, pods, assigned)
    assert (attempt.state, attempt.detail) == (expected, detail)


def test_of_two_pods_the_newest_that_lives_gets_the_run() -> None:
    pods = [
        pod("old", "2026-11-23T12:00:00Z"),
        pod("new", "2026-11-23T12:00:05Z"),
        pod("dead", "2026-11-23T12:00:09Z", phase="Failed"),
    ]
    assert attempt_of(1, "j", job(), pods, None).pod_uid == "new"


def test_a_pod_says_why_it_waits() -> None:
    waiting = pod(
        phase="Pending",
        containerStatuses=state(waiting={"reason": "ErrImagePull", "message": "no such image"}),
    )
    unscheduled = pod(
        phase="Pending",
        conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}],
    )
    assert attempt_of(1, "j", job(), [waiting], None).detail == "ErrImagePull: no such image"
    assert attempt_of(1, "j", job(), [unscheduled], None).detail == "0/1 nodes are available"


def test_what_is_kept_is_little() -> None:
    assert job()["metadata"]["labels"] == {"tailrace.dev/attempt": "1"}
    assert job()["metadata"]["annotations"] == {"tailrace.dev/run": "r"}
    assert "managedFields" not in job()["metadata"]
    assert "spec" not in job()
    assert "spec" not in pod()
