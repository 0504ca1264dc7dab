"""When a task is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace_runner.engine.retry import MAX_RETRY_AFTER, RetryPolicy, pause

STEADY = RetryPolicy(max_attempts=5, initial=1, factor=2, max=5, jitter=False)


@pytest.mark.parametrize(
    ("policy", "attempt", "retryable", "retry_after", "draw", "expected"),
    [
        pytest.param(STEADY, 1, True, None, 0.5, 1, id="the first pause is the initial one"),
        pytest.param(STEADY, 2, True, None, 0.5, 2, id="the second is multiplied"),
        pytest.param(STEADY, 4, True, None, 0.5, 5, id="no pause is longer than max"),
        pytest.param(STEADY, 5, True, None, 0.5, None, id="after the last attempt there is none"),
        pytest.param(STEADY, 9, True, None, 0.5, None, id="beyond the last attempt there is none"),
        pytest.param(STEADY, 1, False, None, 0.5, None, id="what cannot succeed is not tried again"),
        pytest.param(STEADY, 1, True, 30, 0.5, 30, id="Retry-After beats max"),
        pytest.param(STEADY, 3, True, 2, 0.5, 4, id="a shorter Retry-After does not shorten the pause"),
        pytest.param(STEADY, 1, True, 1e9, 0.5, MAX_RETRY_AFTER, id="Retry-After is bounded"),
        pytest.param(STEADY, 1, False, 30, 0.5, None, id="Retry-After does not make it retryable"),
        pytest.param(
            RetryPolicy(max_attempts=3), 2, True, None, 0.25, 0.5, id="jitter draws over the whole pause"
        ),
        pytest.param(
            RetryPolicy(max_attempts=3), 1, True, None, 0.0, 0.0, id="jitter may draw no pause at all"
        ),
        pytest.param(
            RetryPolicy(max_attempts=3), 1, True, 7, 0.0, 7, id="jitter does not go below Retry-After"
        ),
        pytest.param(RetryPolicy(), 1, True, None, 0.5, None, id="without a policy there is one attempt"),
        pytest.param(
            RetryPolicy(max_attempts=100, factor=100, max=60, jitter=False),
            99,
            True,
            None,
            0.5,
            60,
            id="a power too large for a float is max",
        ),
    ],
)
def test_pause(policy, attempt, retryable, retry_after, draw, expected):
    assert pause(policy, attempt, retryable=retryable, retry_after=retry_after, draw=draw) == expected


@given(
    attempts=st.integers(1, 100),
    attempt=st.integers(1, 100),
    initial=st.floats(0, 100),
    factor=st.floats(1, 100),
    longest=st.floats(0, 1000),
    draw=st.floats(0, 1),
)
def test_a_pause_is_never_negative_and_never_longer_than_max(
    attempts, attempt, initial, factor, longest, draw
):
    policy = RetryPolicy(attempts, initial, factor, longest)
    seconds = pause(policy, attempt, retryable=True, retry_after=None, draw=draw)
    assert (seconds is None) == (attempt >= attempts)
    assert seconds is None or 0 <= seconds <= longest
