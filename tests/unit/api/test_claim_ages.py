"""Which claims are stale."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tailrace_api.internal.claim_ages import ClaimAges
from tailrace_api.store.claims import Renewal

START = datetime(2026, 3, 25, 10, 0, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


def run(pod: str | None = "p1", phase: str = "Running", uid: str = "u1") -> dict[str, Any]:
    claim = {} if pod is None else {"claim": {"podUID": pod}}
    return {"metadata": {"namespace": "ns", "name": "r", "uid": uid}, "status": {"phase": phase, **claim}}


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def stale(ages: ClaimAges, at: float, renewed: float | None = None, pod: str = "p1") -> list[str]:
    renewals = {} if renewed is None else {"u1": Renewal(pod, after(renewed))}
    return [claim.pod_uid for claim in ages.older(renewals, after(at - 30))]


def test_a_claim_that_was_never_renewed_ages_from_when_it_was_seen() -> None:
    ages = ClaimAges(Clock())
    ages.on_change(None, run())
    assert stale(ages, 30) == []
    assert stale(ages, 31) == ["p1"]


def test_a_renewal_keeps_it() -> None:
    ages = ClaimAges(Clock())
    ages.on_change(None, run())
    assert stale(ages, 50, renewed=25) == []
    assert stale(ages, 56, renewed=25) == ["p1"]


def test_a_renewal_from_before_our_start_takes_no_run_from_its_pod() -> None:
    ages = ClaimAges(Clock())
    ages.on_change(None, run())
    assert stale(ages, 20, renewed=-600) == []
    assert stale(ages, 31, renewed=-600) == ["p1"]


def test_another_pod_s_renewal_does_not_count() -> None:
    ages = ClaimAges(Clock())
    ages.on_change(None, run("p2"))
    assert stale(ages, 31, renewed=25, pod="p1") == ["p2"]


def test_a_successor_starts_afresh_and_changes_in_between_do_not() -> None:
    clock = Clock()
    ages = ClaimAges(clock)
    ages.on_change(None, run("p1"))
    clock.now = after(20)
    ages.on_change(run("p1"), run("p1"))
    assert stale(ages, 31) == ["p1"]
    ages.on_change(run("p1"), run("p2"))
    assert stale(ages, 31) == []
    assert stale(ages, 51) == ["p2"]


def test_what_has_ended_gone_or_released_its_claim_is_not_stale() -> None:
    ages = ClaimAges(Clock())
    for change in (run(phase="Succeeded"), run(pod=None, phase="Waiting"), None):
        ages.on_change(None, run())
        ages.on_change(run(), change)
        assert stale(ages, 1000) == []
