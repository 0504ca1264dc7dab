"""Jobs and pods as what happened to an attempt, and the parts of them that are worth keeping."""

from collections.abc import Iterable
from typing import Any

from tailrace_crds.meta import ATTEMPT_LABEL, COMPONENT_LABEL, RUN_LABEL
from tailrace_operator.logic import times
from tailrace_operator.logic.views import Attempt, AttemptState

Object = dict[str, Any]

JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
REVISION_ANNOTATION = "tailrace.dev/revision"
REQUEST_ANNOTATION = "tailrace.dev/container-request"
_KEPT_ANNOTATIONS = (RUN_LABEL, REVISION_ANNOTATION, REQUEST_ANNOTATION)
_KEPT_LABELS = (COMPONENT_LABEL, ATTEMPT_LABEL, JOB_NAME_LABEL)


def project_job(job: Object) -> Object:
    """A Job without its template: metadata, and how it ended."""
    status = job.get("status") or {}
    ended = next(
        (
            {key: item.get(key, "") for key in ("type", "reason", "message", "lastTransitionTime")}
            for item in status.get("conditions") or []
            if item["type"] in {"Complete", "Failed"} and item["status"] == "True"
        ),
        None,
    )
    return {"metadata": _metadata(job), "ended": ended}


def project_pod(pod: Object) -> Object:
    """A pod without its spec: metadata, phase, why it waits, how its first container ended."""
    status = pod.get("status") or {}
    containers = status.get("containerStatuses") or [{}]
    state = containers[0].get("state") or {}
    unscheduled = next(
        (
            item.get("message", "")
            for item in status.get("conditions") or []
            if item["type"] == "PodScheduled" and item["status"] == "False"
        ),
        None,
    )
    waiting = state.get("waiting") or {}
    return {
        "metadata": _metadata(pod),
        "phase": status.get("phase", "Pending"),
        "reason": status.get("reason"),
        "message": status.get("message"),
        "started": (state.get("running") or {}).get("startedAt"),
        "terminated": state.get("terminated"),
        "waiting": _sentence(waiting.get("reason"), waiting.get("message")) or unscheduled or "",
    }


def attempt_of(
    number: int, name: str, job: Object | None, pods: Iterable[Object], assigned: str | None
) -> Attempt:
    """What became of an attempt, from its Job and pods as projected; `assigned` is the pod's UID or None."""
    if job is None:
        return Attempt(number, AttemptState.ABSENT, name)
    pod = _relevant(pods, assigned)
    created = times.parse(job["metadata"]["creationTimestamp"])
    ended = job["ended"]
    if ended is not None or "deletionTimestamp" in job["metadata"]:
        time = times.parse_optional((ended or {}).get("lastTransitionTime"))
        detail = (pod and _why_ended(pod)) or _why_job_ended(ended)
        return Attempt(number, AttemptState.ENDED, name, created=created, ended=time, detail=detail)
    if pod is None:
        state = AttemptState.POD_GONE if assigned else AttemptState.STARTING
        return Attempt(number, state, name, active=True, created=created)
    if pod["phase"] in {"Succeeded", "Failed"}:
        # The Job follows in a moment; the pod cannot start again.
        time = times.parse_optional((pod["terminated"] or {}).get("finishedAt"))
        detail = _why_ended(pod)
        return Attempt(
            number, AttemptState.ENDED, name, active=True, created=created, ended=time, detail=detail
        )
    return Attempt(
        number,
        AttemptState.POD,
        name,
        active=True,
        pod=pod["metadata"]["name"],
        pod_uid=pod["metadata"]["uid"],
        created=created,
        pod_started=times.parse_optional(pod["started"]),
        detail=pod["waiting"],
    )


def _relevant(pods: Iterable[Object], assigned: str | None) -> Object | None:
    """The assigned pod; where none is assigned, the newest that could be, else one that has ended."""
    if assigned is not None:
        return next((pod for pod in pods if pod["metadata"]["uid"] == assigned), None)
    candidates = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    candidates.sort(
        key=lambda pod: (pod["phase"] not in {"Succeeded", "Failed"}, pod["metadata"]["creationTimestamp"])
    )
    return candidates[-1] if candidates else None


def _why_ended(pod: Object) -> str:
    """As a person would say it, such as "pod x: OOMKilled (exit code 137)"; empty where it has not ended."""
    terminated = pod["terminated"]
    reason = pod["reason"] or (terminated or {}).get("reason")
    if terminated is None and reason is None:
        return ""
    code = f" (exit code {terminated['exitCode']})" if terminated else ""
    return f"pod {pod['metadata']['name']}: {reason or 'ended'}{code}"


def _why_job_ended(ended: Object | None) -> str:
    if ended is None:
        return "its Job was deleted"
    return _sentence(ended["reason"], ended["message"]) or f"its Job is {ended['type']}"


def _sentence(reason: str | None, message: str | None) -> str:
    return ": ".join(part for part in (reason, message) if part)


def _metadata(item: Object) -> Object:
    metadata = item["metadata"]
    kept = {
        key: metadata[key]
        for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp")
        if key in metadata
    }
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    kept["labels"] = {key: labels[key] for key in _KEPT_LABELS if key in labels}
    kept["annotations"] = {key: annotations[key] for key in _KEPT_ANNOTATIONS if key in annotations}
    return kept
