"""Container tasks as Jobs of their own: what is executed comes from the pinned revision."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import orjson

from tailrace_crds.language import durations
from tailrace_crds.meta import COMPONENT_LABEL, FLOW_LABEL, MANAGED_BY_LABEL, RUN_LABEL, TASK_LABEL
from tailrace_operator.jobs import build
from tailrace_operator.jobs.observe import REQUEST_ANNOTATION
from tailrace_operator.logic import names

Object = dict[str, Any]

LOST = -1
"""The exit code of a container of which nothing is known."""


class NotAContainerTaskError(ValueError):
    """The request names no container task of the pinned revision."""


def task_job(request: Object, run: Object, spec: Object) -> Object:
    """The Job of a request; of what the runner sent, only args and env are taken."""
    task = find_task(spec, request["task"])
    properties = task.get("properties") or {}
    environment = request.get("env") or {}
    container = {
        "name": "task",
        "image": properties["image"],
        "command": properties.get("command"),
        "args": request.get("args") or properties.get("args"),
        "env": [{"name": name, "value": str(value)} for name, value in environment.items()],
        "resources": properties.get("resources"),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the pod's own emptyDir
        "terminationMessagePolicy": "File",
    }
    pod = build.restricted_pod({key: value for key, value in container.items() if value})
    pod["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    labels = {
        RUN_LABEL: names.label(run["metadata"]["name"]),
        TASK_LABEL: names.label(request["task"]),
        FLOW_LABEL: names.label(run["spec"]["flow"]),
        MANAGED_BY_LABEL: "tailrace",
        COMPONENT_LABEL: "task",
    }
    timeout = task.get("timeout")
    return build.job(
        names.task_job(run["metadata"]["name"], run["metadata"]["uid"], request["task"], request["attempt"]),
        run,
        labels,
        {RUN_LABEL: run["metadata"]["name"], REQUEST_ANNOTATION: str(request["id"])},
        pod,
        deadline=None if timeout is None else max(1, round(durations.parse(timeout))),
    )


def find_task(spec: Object, name: str) -> Object:
    """The container task of this name; NotAContainerTaskError."""
    for section in ("tasks", "onFailure", "finally"):
        for task in spec.get(section) or []:
            if task["name"] == name and task["type"] == "container.run":
                found: Object = task
                return found
    raise NotAContainerTaskError(f"the flow has no container task {name}")


def outcome(job: Object | None, pods: Iterable[Object]) -> Object | None:
    """How a container ended, `{exitCode, message?, result?}`, of Job and pods as projected; None: not yet."""
    pod = max(pods, key=lambda item: item["metadata"]["creationTimestamp"], default=None)
    terminated = pod["terminated"] if pod is not None else None
    if terminated is not None:
        return _of_container(terminated)
    if job is None:
        return {"exitCode": LOST, "message": "the Job is gone"}
    if job["ended"] is None and "deletionTimestamp" not in job["metadata"]:
        return None
    ended = job["ended"] or {}
    why = (pod or {}).get("message") or ended.get("message") or ended.get("reason") or "the Job was deleted"
    return {"exitCode": LOST, "message": f"the container did not end by itself: {why}"}


def _of_container(terminated: Object) -> Object:
    """The termination message is the task's result where it is JSON, else its message."""
    code, text = terminated["exitCode"], terminated.get("message") or ""
    found: Object = {"exitCode": code}
    if text:
        found["message"] = text
        with suppress(orjson.JSONDecodeError):
            found["result"] = orjson.loads(text)
    elif code != 0:
        found["message"] = f"{terminated.get('reason') or 'Error'} (exit code {code})"
    return found
