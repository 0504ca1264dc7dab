"""Whether this pod may execute a Run, told from the Run alone. Pure."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from tailrace_crds.phases import is_terminal
from tailrace_runner.errors import ClaimLost, RunEnded


class Standing(Enum):
    """How a Run stands towards this pod."""

    MINE = auto()
    FREE = auto()
    ENDED = auto()
    ANOTHERS = auto()


def standing(run: Mapping[str, Any], pod_uid: str) -> Standing:
    """FREE: assigned to this pod and claimed by none, or by an earlier attempt."""
    status = run.get("status") or {}
    if is_terminal(status.get("phase")):
        return Standing.ENDED
    assigned = status.get("assigned") or {}
    if assigned.get("podUID") != pod_uid:
        return Standing.ANOTHERS
    claim = status.get("claim")
    if claim is None:
        return Standing.FREE
    if claim.get("podUID") == pod_uid:
        return Standing.MINE
    return Standing.FREE if claim.get("attempt", 0) < assigned.get("attempt", 0) else Standing.ANOTHERS


def status_patch(run: Mapping[str, Any], pod: str, pod_uid: str, now: str) -> dict[str, Any]:
    """The part of the status that claims a free Run; its first start time stays."""
    status = run["status"]
    return {
        "claim": {"pod": pod, "podUID": pod_uid, "attempt": status["assigned"]["attempt"]},
        "phase": "Running",
        "startTime": status.get("startTime") or now,
    }


def check(run: Mapping[str, Any], pod_uid: str) -> None:
    """RunEnded or ClaimLost where the Run is not, or no longer, executed by this pod."""
    stands = standing(run, pod_uid)
    name = run["metadata"]["name"]
    if stands is Standing.ENDED:
        raise RunEnded(f"run {name} has ended")
    if stands is not Standing.MINE:
        raise ClaimLost(f"run {name} is not claimed by this pod")
