"""The caches of Runs, Jobs and pods: many objects, so that each is kept only as far as decisions need it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tailrace_crds.meta import MANAGED_BY_LABEL, RUN_LABEL
from tailrace_kube import Client, Informer
from tailrace_kube.resources import JOBS, PODS, RUNS
from tailrace_operator.jobs import observe
from tailrace_operator.jobs.observe import JOB_NAME_LABEL, REQUEST_ANNOTATION

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""

OURS = f"{MANAGED_BY_LABEL}=tailrace"
_STATUS = (
    "phase",
    "attempt",
    "assigned",
    "claim",
    "revision",
    "startTime",
    "completionTime",
    "reason",
    "message",
)


@dataclass(frozen=True)
class Caches:
    """What the API server holds, as last heard."""

    runs: Informer
    jobs: Informer
    pods: Informer

    @property
    def all(self) -> tuple[Informer, ...]:
        """Every informer."""
        return (self.runs, self.jobs, self.pods)

    def run(self, key: Key) -> Object | None:
        """A Run; its inputs are there only until a pod was assigned."""
        return self.runs.get(*key)

    def jobs_of(self, key: Key) -> list[Object]:
        """The Jobs of a Run's attempts, without those of its container tasks."""
        return self.jobs.by_index("run", key)

    def pods_of(self, namespace: str, job: str) -> list[Object]:
        """The pods of a Job."""
        return self.pods.by_index("job", (namespace, job))

    def runs_of(self, flow: Key) -> list[Object]:
        """The Runs of a Flow that exist as resources."""
        return self.runs.by_index("flow", flow)

    def job_of_request(self, request: str) -> Object | None:
        """The Job of a container task, by the id of its request."""
        found = self.jobs.by_index("request", request)
        return found[0] if found else None


def build(
    client: Client,
    *,
    on_run: Callable[[Key, Object | None, Object | None], None],
    on_request: Callable[[str], None],
    inactivity: float,
) -> Caches:
    """Caches that tell which Run, or which container request, has changed in any of its parts."""

    def run_changed(_: str, old: Object | None, new: Object | None) -> None:
        item = new or old or {}
        on_run((item["metadata"]["namespace"], item["metadata"]["name"]), old, new)

    def part_changed(_: str, old: Object | None, new: Object | None) -> None:
        item = new or old or {}
        request = item["metadata"]["annotations"].get(REQUEST_ANNOTATION)
        if request is not None:
            on_request(request)
            return
        for key in _run_of(item):
            on_run(key, None, None)

    return Caches(
        runs=Informer(
            client,
            RUNS,
            project=project_run,
            on_change=run_changed,
            indexes={"flow": _flow_of},
            inactivity=inactivity,
        ),
        jobs=Informer(
            client,
            JOBS,
            label_selector=OURS,
            project=observe.project_job,
            on_change=part_changed,
            indexes={"run": _run_of, "request": _request_of},
            inactivity=inactivity,
        ),
        pods=Informer(
            client,
            PODS,
            label_selector=OURS,
            project=observe.project_pod,
            on_change=part_changed,
            indexes={"job": _job_of},
            inactivity=inactivity,
        ),
    )


def project_run(run: Object) -> Object:
    """A Run without what only its pod reads: no tasks, no outputs, and no inputs once it has a pod."""
    metadata, spec, status = run["metadata"], run["spec"], run.get("status") or {}
    kept = {
        key: metadata[key]
        for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp")
        if key in metadata
    }
    if status.get("assigned"):
        spec = {key: spec[key] for key in ("flow", "cancel") if key in spec}
    return {
        "metadata": kept,
        "spec": spec,
        "status": {key: status[key] for key in _STATUS if status.get(key) is not None},
    }


def _flow_of(run: Object) -> Iterable[Key]:
    return [(run["metadata"]["namespace"], run["spec"]["flow"])]


def _run_of(item: Object) -> Iterable[Key]:
    metadata = item["metadata"]
    run = metadata["annotations"].get(RUN_LABEL)
    if run is None or REQUEST_ANNOTATION in metadata["annotations"]:
        return []
    return [(metadata["namespace"], run)]


def _request_of(job: Object) -> Iterable[str]:
    request = job["metadata"]["annotations"].get(REQUEST_ANNOTATION)
    return [] if request is None else [request]


def _job_of(pod: Object) -> Iterable[Key]:
    job = pod["metadata"]["labels"].get(JOB_NAME_LABEL)
    return [] if job is None else [(pod["metadata"]["namespace"], job)]
