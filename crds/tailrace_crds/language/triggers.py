"""What a Trigger means: what of it can never work, in the words that kubectl, command line and REST share."""

from collections.abc import Mapping
from typing import Any

from tailrace_crds.language import schedules, validation
from tailrace_crds.language.problems import Problem

SETTINGS = ("schedule", "webhook")
"""Each type has settings of its own name."""


def problems(spec: Mapping[str, Any]) -> list[Problem]:
    """Everything wrong with a Trigger's spec whose fields have the right types."""
    found = [
        Problem(f"spec.{name}", f"a Trigger of type {name}, and only that, has {name} settings")
        for name in SETTINGS
        if (spec["type"] == name) != (spec.get(name) is not None)
    ]
    schedule = spec.get("schedule")
    if schedule is not None:
        wrong = schedules.problems(schedule["cron"], schedule.get("timeZone", "UTC"))
        found += [Problem(f"spec.schedule.{item.path}", item.message) for item in wrong]
    if spec.get("inputs") is not None:
        found += validation.validate_mapping(spec["inputs"])
    return found
