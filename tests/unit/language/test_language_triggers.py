"""What of a Trigger can never work."""

from typing import Any

import pytest

from tailrace_crds.language.triggers import problems

DAILY = {"cron": "@daily"}


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        pytest.param({"type": "schedule", "schedule": DAILY}, [], id="a schedule"),
        pytest.param({"type": "webhook", "webhook": {"key": "k"}}, [], id="a webhook"),
        pytest.param({"type": "schedule"}, ["spec.schedule"], id="a schedule without one"),
        pytest.param(
            {"type": "webhook", "schedule": DAILY}, ["spec.schedule", "spec.webhook"], id="the other"
        ),
        pytest.param(
            {"type": "schedule", "schedule": {"cron": "* *", "timeZone": "x"}},
            ["spec.schedule.cron", "spec.schedule.timeZone"],
            id="both fields of a schedule",
        ),
        pytest.param(
            {"type": "schedule", "schedule": DAILY, "inputs": {"a": {"b": "{{ oops"}}},
            ["spec.inputs.a.b"],
            id="a template that is none",
        ),
        pytest.param(
            {"type": "schedule", "schedule": DAILY, "inputs": {"a": "{% for x in y %}{% endfor %}"}},
            ["spec.inputs.a"],
            id="a statement",
        ),
    ],
)
def test_problems(spec: dict[str, Any], paths: list[str]) -> None:
    assert [problem.path for problem in problems(spec)] == paths
