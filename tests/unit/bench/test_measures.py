"""The benchmark's arithmetic."""

import pytest

from tests.bench.measures import percentile, summarise


@pytest.mark.parametrize(
    ("samples", "share", "expected"),
    [
        pytest.param([7.0], 0.95, 7.0, id="one sample is every percentile"),
        pytest.param([3.0, 1.0, 2.0], 0.5, 2.0, id="order does not matter"),
        pytest.param([float(n) for n in range(1, 101)], 0.95, 95.0, id="the nearest rank of a hundred"),
        pytest.param([1.0, 2.0], 0.5, 1.0, id="never a value between two samples"),
    ],
)
def test_percentile(samples: list[float], share: float, expected: float) -> None:
    assert percentile(samples, share) == expected


def test_a_summary_has_the_extremes() -> None:
    summary = summarise([2.0, 9.0, 4.0])
    assert (summary.count, summary.minimum, summary.median, summary.maximum) == (3, 2.0, 4.0, 9.0)
