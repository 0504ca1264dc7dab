"""Whether a pod may execute a Run."""

import pytest

from tailrace_runner import claim
from tailrace_runner.claim import Standing
from tailrace_runner.errors import ClaimLost, RunEnded

MINE = {"pod": "mine", "podUID": "uid-mine", "attempt": 2}
THEIRS = {"pod": "theirs", "podUID": "uid-theirs", "attempt": 2}


def run(**status):
    return {"metadata": {"name": "r"}, "status": status}


CASES = [
    pytest.param(run(assigned=MINE), Standing.FREE, id="assigned to us, claimed by none"),
    pytest.param(run(assigned=MINE, claim=MINE), Standing.MINE, id="claimed by us"),
    pytest.param(
        run(assigned=MINE, claim={**THEIRS, "attempt": 1}), Standing.FREE, id="claimed by a lost attempt"
    ),
    pytest.param(
        run(assigned=MINE, claim=THEIRS), Standing.ANOTHERS, id="claimed by another of this attempt"
    ),
    pytest.param(
        run(assigned=MINE, claim={**THEIRS, "attempt": 3}), Standing.ANOTHERS, id="claimed by a later attempt"
    ),
    pytest.param(run(assigned=THEIRS), Standing.ANOTHERS, id="assigned to another"),
    pytest.param(run(assigned=THEIRS, claim=MINE), Standing.ANOTHERS, id="taken away from us"),
    pytest.param(run(), Standing.ANOTHERS, id="assigned to none"),
    pytest.param({"metadata": {"name": "r"}}, Standing.ANOTHERS, id="without a status"),
    *[
        pytest.param(run(assigned=MINE, claim=MINE, phase=phase), Standing.ENDED, id=f"ended as {phase}")
        for phase in ("Succeeded", "Partial", "Failed", "Cancelled", "TimedOut")
    ],
    *[
        pytest.param(run(assigned=MINE, claim=MINE, phase=phase), Standing.MINE, id=f"still {phase}")
        for phase in ("Queued", "Running", "Waiting")
    ],
]


@pytest.mark.parametrize(("run", "expected"), CASES)
def test_standing(run, expected):
    assert claim.standing(run, "uid-mine") is expected


@pytest.mark.parametrize(("run", "stands"), CASES)
def test_check(run, stands):
    errors = {Standing.ENDED: RunEnded, Standing.ANOTHERS: ClaimLost, Standing.FREE: ClaimLost}
    if stands is Standing.MINE:
        claim.check(run, "uid-mine")
        return
    with pytest.raises(errors[stands]):
        claim.check(run, "uid-mine")


def test_the_patch_claims_and_keeps_the_first_start():
    expected = {"claim": MINE, "phase": "Running", "startTime": "now"}
    assert claim.status_patch(run(assigned=MINE), "mine", "uid-mine", "now") == expected
    again = run(assigned=MINE, startTime="before")
    assert claim.status_patch(again, "mine", "uid-mine", "now")["startTime"] == "before"
