import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace_crds.language import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("500ms", 0.5, id="milliseconds alone"),
        pytest.param("30s", 30, id="one unit"),
        pytest.param("1h30m", 5400, id="two units"),
        pytest.param("1d2h3m4s5ms", 93784.005, id="all units"),
        pytest.param("0s", 0, id="zero"),
        pytest.param("90m", 5400, id="more than the next unit holds"),
        pytest.param("3650d", 315360000, id="the longest"),
    ],
)
def test_a_duration_is_read(text, seconds):
    assert durations.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("10", id="no unit"),
        pytest.param("1.5h", id="a fraction"),
        pytest.param("-1s", id="negative"),
        pytest.param("1m1h", id="smallest first"),
        pytest.param("1s1s", id="a unit twice"),
        pytest.param("1 h", id="a space"),
        pytest.param("\u0661s", id="a digit that is not ASCII"),
        pytest.param("5w", id="an unknown unit"),
        pytest.param("3651d", id="too long"),
        pytest.param("9" * 30 + "s", id="far too long"),
    ],
)
def test_what_is_no_duration_is_refused_with_what_would_be_right(text):
    with pytest.raises(ValueError, match=r"units d, h, m, s and ms|at most 3650d"):
        durations.parse(text)


@given(st.integers(min_value=0, max_value=durations.MAX_SECONDS * 1000))
def test_what_is_written_is_read_back(milliseconds):
    assert round(durations.parse(durations.format(milliseconds / 1000)) * 1000) == milliseconds


def test_a_negative_length_is_written_as_nothing():
    assert durations.format(-3) == "0s"
