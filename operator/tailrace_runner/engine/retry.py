"""When a task that failed is tried again, and after what pause. Pure."""

from dataclasses import dataclass

MAX_RETRY_AFTER = 3600.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a task is tried in all, and the pauses between, in seconds."""

    max_attempts: int = 1
    initial: float = 1.0
    factor: float = 2.0
    max: float = 60.0
    jitter: bool = True


def pause(
    policy: RetryPolicy, attempt: int, *, retryable: bool, retry_after: float | None, draw: float
) -> float | None:
    """Seconds until the attempt after `attempt` (counted from 1); None: there is none.

    `draw` is a random number between 0 and 1: full jitter spreads a pause over its whole length, so that
    tasks that failed together do not come back together. A server's Retry-After is the least that is waited.
    """
    if not retryable or attempt >= policy.max_attempts:
        return None
    seconds = min(policy.max, _exponential(policy, attempt))
    if policy.jitter:
        seconds *= draw
    return max(seconds, min(retry_after or 0.0, MAX_RETRY_AFTER))


def _exponential(policy: RetryPolicy, attempt: int) -> float:
    try:
        return policy.initial * policy.factor ** (attempt - 1)
    except OverflowError:
        return policy.max
