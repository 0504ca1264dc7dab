"""What to do with a Run next: one decision from what is stored, the same after a crash at any line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tailrace_operator.logic.views import Attempt, AttemptState, RunView


@dataclass(frozen=True)
class Limits:
    """The settings that decisions depend on, in seconds; `timeout` and `ttl` are the flow's."""

    ttl: float = 3600
    timeout: float | None = None
    max_lost_attempts: int = 5
    cancel_grace: float = 30
    timeout_grace: float = 30
    claim_deadline: float = 120
    queued_after: float = 3
    warn_after: float = 10


@dataclass(frozen=True)
class Memory:
    """What the operator knows beyond what is stored; lost with the process, and only delays what follows."""

    cancel_seen: datetime | None = None
    archived: bool = False
    warned: int = 0


@dataclass(frozen=True)
class Admit:
    """Look at the Flow; create the first Job or fail the Run."""


@dataclass(frozen=True)
class CreateJob:
    """The next attempt, after one was lost for the reason in `lost`."""

    attempt: int
    lost: str


@dataclass(frozen=True)
class Assign:
    """Give the Run to this attempt's pod."""

    attempt: Attempt


@dataclass(frozen=True)
class MarkQueued:
    """Say why nothing has begun."""

    message: str


@dataclass(frozen=True)
class Warn:
    """Tell, once an attempt, why its pod does not start."""

    attempt: Attempt


@dataclass(frozen=True)
class DeleteJob:
    """Stop what may still run."""

    job: str
    why: str


@dataclass(frozen=True)
class End:
    """End the Run here, because no runner will: phase, reason, message."""

    phase: str
    reason: str
    message: str


@dataclass(frozen=True)
class Archive:
    """Announce the end and hand the Run to the store."""


@dataclass(frozen=True)
class Delete:
    """Its time to live is over and the archive has it."""


@dataclass(frozen=True)
class Wait:
    """Nothing to do, but look again after so many seconds at the latest; None: when something changes."""

    seconds: float | None = None


Action = Admit | CreateJob | Assign | MarkQueued | Warn | DeleteJob | End | Archive | Delete | Wait


def decide(
    run: RunView, attempts: Mapping[int, Attempt], limits: Limits, memory: Memory, now: datetime
) -> Action:
    """The one next action; the caller applies it and asks again when something has changed."""
    if run.deleting:
        return Wait()
    if run.ended:
        return _after_end(run, attempts, limits, memory, now)

    current, lost = _current(run, attempts)
    if run.cancel:
        return _cancel(run, current, limits, memory, now)
    hopeless = _hopeless(run, current, lost, limits, now)
    if hopeless is not None:
        return hopeless
    if current.number == run.attempt:
        return _executing(run, current, limits, memory, now)
    return _starting(run, current, attempts.get(current.number - 1), lost, limits, now)


def is_irrevocable(action: Action) -> bool:
    """Whether the caller must see for itself, past every cache, that the Run has not ended meanwhile."""
    return isinstance(action, CreateJob | End | DeleteJob)


def backoff(attempt: int) -> float:
    """Seconds between a loss and this attempt: none before the second, then 2, 4, 8, … up to a minute."""
    return 0.0 if attempt <= 2 else min(2.0 ** (attempt - 2), 60.0)  # noqa: PLR2004 - the first repetition


def _current(run: RunView, attempts: Mapping[int, Attempt]) -> tuple[Attempt, str]:
    """The attempt that counts now, perhaps one that has no Job yet; and why the one before was lost."""
    number, lost = max(run.attempt, 1), ""
    while True:
        attempt = attempts.get(number) or Attempt(number, AttemptState.ABSENT, job="")
        gone = attempt.state is AttemptState.ENDED or (
            attempt.state is AttemptState.ABSENT and number == run.attempt
        )
        if not gone:
            return attempt, lost
        number, lost = number + 1, attempt.detail or "its Job is gone"


def _hopeless(run: RunView, current: Attempt, lost: str, limits: Limits, now: datetime) -> End | None:
    """Whether no further attempt may be made."""
    if current.number > limits.max_lost_attempts:
        return End("Failed", "PodLost", f"{limits.max_lost_attempts} attempts were lost, the last: {lost}")
    overdue = _overdue(run, limits, now)
    if overdue is not None and overdue <= 0:
        return End("TimedOut", "TimedOut", f"not ended {limits.timeout_grace:g} s after its timeout")
    return None


def _overdue(run: RunView, limits: Limits, now: datetime) -> float | None:
    """Seconds until the operator ends the Run for its timeout, which its runner should have done before."""
    return _seconds_left(run.started, limits.timeout, limits.timeout_grace, now)


def _executing(run: RunView, current: Attempt, limits: Limits, memory: Memory, now: datetime) -> Action:
    if current.state is AttemptState.POD_GONE:
        return DeleteJob(current.job, "its pod is gone")
    if not run.claimed and current.detail and memory.warned < current.number:
        patience = _seconds_left(current.created, limits.warn_after, 0, now)
        return Wait(patience) if patience is not None and patience > 0 else Warn(current)
    if run.claimed or current.pod_started is None:
        return Wait(_overdue(run, limits, now))
    unclaimed = limits.claim_deadline - (now - current.pod_started).total_seconds()
    if unclaimed <= 0:
        return DeleteJob(current.job, f"its pod has not claimed the Run in {limits.claim_deadline:g} s")
    return Wait(unclaimed)


def _starting(
    run: RunView, current: Attempt, before: Attempt | None, lost: str, limits: Limits, now: datetime
) -> Action:
    if current.state is AttemptState.POD:
        return Assign(current)
    if current.state is AttemptState.ABSENT:
        if current.number == 1:
            return Admit()
        pause = _seconds_left(before.ended if before else None, backoff(current.number), 0, now)
        return Wait(pause) if pause is not None and pause > 0 else CreateJob(current.number, lost)
    if run.phase is not None or current.created is None:
        return Wait()
    patience = limits.queued_after - (now - current.created).total_seconds()
    return Wait(patience) if patience > 0 else MarkQueued(current.detail or "waiting for a pod")


def _cancel(run: RunView, current: Attempt, limits: Limits, memory: Memory, now: datetime) -> Action:
    runner_can = run.claimed and current.number == run.attempt and current.state is AttemptState.POD
    if runner_can:
        left = _seconds_left(memory.cancel_seen or now, limits.cancel_grace, 0, now) or 0
        if left > 0:
            return Wait(left)
        return End("Cancelled", "Cancelled", f"the runner did not stop within {limits.cancel_grace:g} s")
    return End("Cancelled", "Cancelled", "cancelled before a runner had taken it")


def _after_end(
    run: RunView, attempts: Mapping[int, Attempt], limits: Limits, memory: Memory, now: datetime
) -> Action:
    # A runner that wrote the end exits by itself; whatever else still runs executes nothing that counts.
    since_end = (now - (run.completed or run.created)).total_seconds()
    if not run.claimed or since_end >= limits.cancel_grace:
        for attempt in attempts.values():
            if attempt.active:
                return DeleteJob(attempt.job, "the Run has ended")
    if not memory.archived:
        return Archive()
    left = limits.ttl - since_end
    active = any(attempt.active for attempt in attempts.values())
    if active:
        return Wait(max(limits.cancel_grace - since_end, 1))
    return Delete() if left <= 0 else Wait(left)


def _seconds_left(since: datetime | None, length: float | None, grace: float, now: datetime) -> float | None:
    if since is None or length is None:
        return None
    return (since + timedelta(seconds=length + grace) - now).total_seconds()
