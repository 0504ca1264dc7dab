"""A schedule, by the clock on the wall."""

import re
from typing import Any

from tests.e2e.system import TENANT, System, eventually, log


def test_a_schedule_fires_at_its_slot_and_only_once(system: System) -> None:
    flow = system.flow(log("tick", "{{ trigger.slot }}"))
    trigger = f"{flow}-every"
    schedule = {"cron": "* * * * *", "timeZone": "Europe/Berlin"}
    system.apply("Trigger", trigger, {"flow": flow, "type": "schedule", "schedule": schedule})

    def runs() -> list[dict[str, Any]]:
        items = system.kubectl.json("get", "runs", "-n", TENANT, "--field-selector", f"spec.flow={flow}")[
            "items"
        ]
        return [run for run in items if run.get("status", {}).get("phase") == "Succeeded"]

    def firings() -> Any:
        return system.kubectl.json("get", "trigger", trigger, "-n", TENANT)["status"].get("firings")

    [run] = eventually("a scheduled run", runs, timeout=100, pause=1)
    slot = run["spec"]["trigger"]["slot"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", slot)
    firing = eventually("the ledger", firings)[-1]
    assert (firing["slot"], firing["result"], firing["run"]) == (slot, "run", run["metadata"]["name"])
    system.kubectl("delete", "trigger", trigger, "-n", TENANT)
