"""What the caches keep of each object: enough for lists and look-ups, little for what is many."""

from typing import Any

Object = dict[str, Any]

UPDATED_AT = "tailrace.dev/updated-at"
"""In a cached object's annotations: when its author last changed it. Kubernetes has no such field."""

_RUN_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "labels")
_RUN_SPEC = ("flow", "retryOf", "cancel")
_RUN_STATUS = (
    "phase",
    "attempt",
    "revision",
    "assigned",
    "claim",
    "taskCounts",
    "reason",
    "message",
    "startTime",
    "completionTime",
    "durationMs",
)


def whole(item: Object) -> Object:
    """The object without managedFields, but with what they tell of its last change."""
    metadata = item["metadata"]
    managers = metadata.pop("managedFields", None)
    if managers is not None:
        annotations = dict(metadata.get("annotations") or {})
        annotations[UPDATED_AT] = _changed(managers) or metadata["creationTimestamp"]
        metadata["annotations"] = annotations
    return item


def run(item: Object) -> Object:
    """What lists of Runs show; inputs, tasks and outputs are read when one is asked for."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    trigger = spec.get("trigger") or {}
    short = _only(spec, _RUN_SPEC)
    if trigger:
        short["trigger"] = _only(trigger, ("type", "name", "slot"))
    return {
        "apiVersion": item.get("apiVersion"),
        "kind": item.get("kind"),
        "metadata": _only(item["metadata"], _RUN_METADATA),
        "spec": short,
        "status": _only(status, _RUN_STATUS),
    }


def namespace(item: Object) -> Object:
    """Name and labels."""
    return {
        "metadata": _only(item["metadata"], ("name", "uid", "resourceVersion", "labels", "deletionTimestamp"))
    }


def _only(item: Object, names: tuple[str, ...]) -> Object:
    return {name: item[name] for name in names if name in item}


def _changed(managers: list[Object]) -> str | None:
    """The latest change that was not one of the status."""
    times = [
        manager["time"] for manager in managers if not manager.get("subresource") and manager.get("time")
    ]
    return max(times, default=None)
