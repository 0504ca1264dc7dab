from typing import Any

import pytest

from tailrace_operator.jobs import build, containers
from tailrace_operator.settings import Settings

RUN = {
    "metadata": {"name": "one", "namespace": "team-a", "uid": "0f3cbb52-1111"},
    "spec": {"flow": "hello"},
    "status": {"revision": "hello-abc"},
}
SETTINGS = Settings(runner_image="tailrace:1", internal_url="https://internal:8443", tenants=[])


def made(spec: dict[str, Any] | None = None, settings: Settings = SETTINGS) -> dict[str, Any]:
    return build.runner_job(RUN, spec or {}, "hello-abc", 2, settings)


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    return pod


def test_one_job_is_one_attempt() -> None:
    job = made()
    assert job["metadata"]["name"] == "one-0f3cbb52-2"
    assert job["spec"]["backoffLimit"] == 0
    assert "podFailurePolicy" not in job["spec"]
    assert pod_of(job)["restartPolicy"] == "Never"
    assert job["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "tailrace.dev/v1alpha1",
            "kind": "Run",
            "name": "one",
            "uid": "0f3cbb52-1111",
            "controller": True,
        }
    ]


def test_labels_are_those_of_the_protocol() -> None:
    job = made()
    assert job["metadata"]["labels"] == {
        "tailrace.dev/run": "one",
        "tailrace.dev/attempt": "2",
        "tailrace.dev/flow": "hello",
        "app.kubernetes.io/managed-by": "tailrace",
        "app.kubernetes.io/component": "runner",
    }
    assert job["spec"]["template"]["metadata"]["labels"] == job["metadata"]["labels"]


@pytest.mark.parametrize("job", [pytest.param("runner"), pytest.param("task")])
def test_every_pod_passes_the_restricted_standard(job: str) -> None:
    pod = pod_of(made() if job == "runner" else task_job())
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)


def test_the_runner_has_two_tokens_two_authorities_and_a_place_to_work() -> None:
    pod = pod_of(made())
    projected, tmp = pod["volumes"]
    sources = projected["projected"]["sources"]
    assert [source["serviceAccountToken"]["path"] for source in sources[:2]] == ["token", "internal-token"]
    assert [source["serviceAccountToken"].get("audience") for source in sources[:2]] == [
        None,
        "tailrace-internal",
    ]
    assert [source["configMap"]["items"][0]["path"] for source in sources[2:]] == [
        "kube-ca.crt",
        "internal-ca.crt",
    ]
    assert tmp == {"name": "tmp", "emptyDir": {}}
    assert pod["serviceAccountName"] == "tailrace-runner"
    mounts = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts == {"/var/run/tailrace", "/tmp"}  # noqa: S108 - a path in the pod
    names = {item["name"] for item in pod["containers"][0]["env"]}
    assert names == {"POD_NAME", "POD_NAMESPACE", "POD_UID", "TAILRACE_INTERNAL_URL"}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        pytest.param(
            {}, {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "512Mi"}}, id="default"
        ),
        pytest.param(
            {"requests": {"memory": "2Gi"}},
            {"requests": {"cpu": "50m", "memory": "2Gi"}},
            id="a request above the default limit takes that away",
        ),
        pytest.param(
            {"limits": {"memory": "64Mi"}},
            {"requests": {"cpu": "50m"}, "limits": {"memory": "64Mi"}},
            id="a limit below the default request takes that away",
        ),
    ],
)
def test_resources(own: dict[str, Any], expected: dict[str, Any]) -> None:
    job = made({"runner": {"resources": own}})
    assert pod_of(job)["containers"][0]["resources"] == expected


@pytest.mark.parametrize(
    ("timeout", "expected"), [(None, None), ("10m", 900), ("500ms", 300)], ids=["none", "10m", "500ms"]
)
def test_the_deadline_is_only_a_backstop(timeout: str | None, expected: int | None) -> None:
    job = made({"timeout": timeout} if timeout else {})
    assert job["spec"].get("activeDeadlineSeconds") == expected


@pytest.mark.parametrize(("required", "value"), [(True, "true"), (False, None)])
def test_scripts_need_landlock_only_where_the_setting_says_so(*, required: bool, value: str | None) -> None:
    settings = SETTINGS.model_copy(update={"runner_require_landlock": required})
    [container] = pod_of(made({}, settings))["containers"]
    environment = {item["name"]: item.get("value") for item in container["env"]}
    assert environment.get("TAILRACE_REQUIRE_LANDLOCK") == value


def test_settings_and_flow_say_where_it_runs() -> None:
    settings = SETTINGS.model_copy(
        update={"runner_pull_secrets": ["registry"], "runner_api_server": "https://a:1"}
    )
    pod = pod_of(made({"runner": {"nodeSelector": {"disk": "ssd"}}}, settings))
    assert pod["nodeSelector"] == {"disk": "ssd"}
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert {"name": "TAILRACE_API_SERVER", "value": "https://a:1"} in pod["containers"][0]["env"]


TASK = {
    "name": "build",
    "type": "container.run",
    "timeout": "2m",
    "properties": {
        "image": "builder:1",
        "command": ["make"],
        "args": ["{{ inputs.target }}"],
        "resources": {"limits": {"memory": "1Gi"}},
    },
}
SPEC = {"tasks": [{"name": "say", "type": "util.log"}], "finally": [TASK]}


def task_job(**request: Any) -> dict[str, Any]:
    asked = {"id": 7, "task": "build", "attempt": 1, "args": ["all"], "env": {"A": "1"}, **request}
    return containers.task_job(asked, RUN, SPEC)


def test_a_container_task_executes_what_the_revision_says() -> None:
    job = task_job(image="evil:1", command=["rm"], serviceAccountName="admin")
    container = pod_of(job)["containers"][0]
    assert (container["image"], container["command"]) == ("builder:1", ["make"])
    assert (container["args"], container["env"]) == (["all"], [{"name": "A", "value": "1"}])
    assert container["resources"] == {"limits": {"memory": "1Gi"}}
    assert "serviceAccountName" not in pod_of(job)
    assert job["spec"]["activeDeadlineSeconds"] == 120
    assert job["metadata"]["labels"]["tailrace.dev/task"] == "build"
    assert job["metadata"]["annotations"]["tailrace.dev/container-request"] == "7"


def test_a_container_task_has_no_volume_but_its_own_tmp() -> None:
    assert pod_of(task_job())["volumes"] == [{"name": "tmp", "emptyDir": {}}]


@pytest.mark.parametrize("task", ["nowhere", "say"], ids=["unknown", "of another type"])
def test_a_request_for_no_container_task(task: str) -> None:
    with pytest.raises(containers.NotAContainerTaskError, match=task):
        task_job(task=task)


def ended_pod(**terminated: Any) -> dict[str, Any]:
    metadata = {"name": "p", "creationTimestamp": "2026-11-23T12:00:00Z"}
    return {"metadata": metadata, "terminated": terminated or None, "message": None, "phase": "x"}


JOB = {"metadata": {"name": "j"}, "ended": None}
DEADLINE = {
    "type": "Failed",
    "reason": "DeadlineExceeded",
    "message": "Job was active longer than its deadline",
}


@pytest.mark.parametrize(
    ("job", "pods", "expected"),
    [
        pytest.param(JOB, [], None, id="no pod yet"),
        pytest.param(JOB, [ended_pod()], None, id="running"),
        pytest.param(JOB, [ended_pod(exitCode=0, reason="Completed")], {"exitCode": 0}, id="done"),
        pytest.param(
            JOB,
            [ended_pod(exitCode=0, message='{"n": 1}')],
            {"exitCode": 0, "message": '{"n": 1}', "result": {"n": 1}},
            id="JSON",
        ),
        pytest.param(
            JOB, [ended_pod(exitCode=0, message="fine")], {"exitCode": 0, "message": "fine"}, id="text"
        ),
        pytest.param(
            JOB,
            [ended_pod(exitCode=137, reason="OOMKilled")],
            {"exitCode": 137, "message": "OOMKilled (exit code 137)"},
            id="killed",
        ),
        pytest.param(None, [], {"exitCode": -1, "message": "the Job is gone"}, id="gone"),
        pytest.param(
            {**JOB, "ended": DEADLINE},
            [],
            {
                "exitCode": -1,
                "message": "the container did not end by itself: Job was active longer than its deadline",
            },
            id="deadline",
        ),
    ],
)
def test_how_a_container_ended(job: Any, pods: list[Any], expected: Any) -> None:
    assert containers.outcome(job, pods) == expected
