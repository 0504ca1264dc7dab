"""What becomes of each slot of a schedule: fired, missed by policy, or skipped, always with a reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tailrace_crds.trigger import FiringResult, MissedPolicy
from tailrace_operator.logic import times

ON_TIME = timedelta(seconds=30)
"""A slot that is fired within this time was not missed: a change of the Lease's holder takes seconds."""
MAX_SLOTS = 1000
"""Older missed slots than so many are counted, not listed."""
KEPT_FIRINGS = 10


@dataclass(frozen=True)
class Due:
    """One slot that has come; `result` is RUN where a Run is to be created."""

    slot: datetime
    result: FiringResult
    reason: str | None = None


def plan(
    slots: Sequence[datetime], policy: MissedPolicy, missed_limit: int, now: datetime, *, refusal: str | None
) -> list[Due]:
    """Decide each slot (ascending). `refusal`: why nothing may fire at all.

    On time: fired. Late: All fires the newest `missed_limit`, Last the newest one unless a slot is on time
    as well, None none of them.
    """
    late = [slot for slot in slots if now - slot > ON_TIME]
    on_time = slots[len(late) :]
    if policy is MissedPolicy.ALL:
        made_up, reason = missed_limit, "MissedLimit"
    elif policy is MissedPolicy.LAST and not on_time:
        made_up, reason = 1, "MissedPolicyLast"
    else:
        made_up, reason = 0, f"MissedPolicy{policy.value}"
    given_up = len(late) - min(made_up, len(late))
    decided = [Due(slot, FiringResult.MISSED, reason) for slot in late[:given_up]]
    for slot in slots[given_up:]:
        if refusal is not None:
            decided.append(Due(slot, FiringResult.SKIPPED, refusal))
        else:
            decided.append(Due(slot, FiringResult.RUN))
    return decided


def entry(due: Due, run: str | None, now: datetime) -> dict[str, Any]:
    """One line of the ledger, as the Trigger's status has it."""
    line = {
        "time": times.text(now),
        "slot": times.text(due.slot),
        "result": due.result.value,
        "run": run,
        "reason": due.reason,
    }
    return {key: value for key, value in line.items() if value is not None}


def newest(firings: Iterable[dict[str, Any]], more: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last ten, oldest first."""
    return [*firings, *more][-KEPT_FIRINGS:]
