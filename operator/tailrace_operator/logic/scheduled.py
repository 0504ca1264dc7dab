"""A Trigger of type schedule: where it goes on, and the Run of a slot."""

from datetime import datetime
from typing import Any

from tailrace_crds.language import templates
from tailrace_crds.meta import API_VERSION, FLOW_LABEL, TRIGGER_LABEL
from tailrace_operator.logic import names, times

Object = dict[str, Any]


def position(trigger: Object, now: datetime) -> datetime:
    """The time after which slots are due, for an operator that has just started.

    Never before the Trigger was created; the last slot dealt with, unless the spec was changed since: then
    now, because when it changed is not known, and the slots of the new schedule may lie before it.
    """
    metadata, status = trigger["metadata"], trigger["status"]
    seen = status.get("observedGeneration")
    if seen is not None and seen != metadata.get("generation"):
        return now
    created = times.parse(metadata["creationTimestamp"])
    last = times.parse_optional(status.get("lastSlot"))
    return created if last is None else max(created, last)


def run(trigger: Object, slot: datetime) -> Object:
    """The Run of a slot; templates.TemplateError (a ValueError) where its inputs cannot be rendered."""
    metadata, spec = trigger["metadata"], trigger["spec"]
    when = times.text(slot)
    context = {"trigger": {"name": metadata["name"], "type": "schedule", "slot": when, "payload": {}}}
    return {
        "apiVersion": API_VERSION,
        "kind": "Run",
        "metadata": {
            "name": names.scheduled_run(metadata["name"], slot),
            "namespace": metadata["namespace"],
            "labels": {
                FLOW_LABEL: names.label(spec["flow"]),
                TRIGGER_LABEL: names.label(metadata["name"]),
            },
        },
        "spec": {
            "flow": spec["flow"],
            "inputs": templates.render_expressions(spec.get("inputs") or {}, context),
            "trigger": {"type": "schedule", "name": metadata["name"], "slot": when, "cause": when},
        },
    }
