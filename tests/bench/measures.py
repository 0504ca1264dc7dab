"""Numbers from samples: pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """What a list of durations says, in seconds."""

    count: int
    median: float
    p95: float
    minimum: float
    maximum: float


def percentile(samples: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest sample that at least `share` of them do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summarise(samples: Sequence[float]) -> Summary:
    """Summary of at least one sample."""
    return Summary(
        len(samples), percentile(samples, 0.5), percentile(samples, 0.95), min(samples), max(samples)
    )
