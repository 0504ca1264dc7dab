"""What can start, against the definition applied by brute force."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace_runner.engine.frontier import Frontier


def taken(frontier):
    names = list(frontier.ready)
    frontier.ready.clear()
    return names


@pytest.mark.parametrize(
    ("needs", "ends", "expected"),
    [
        pytest.param({}, [], [[]], id="no tasks: nothing to start"),
        pytest.param({"a": (), "b": ("a",)}, ["a"], [["a"], ["b"]], id="a sequence goes one by one"),
        pytest.param({"a": (), "b": ()}, [], [["a", "b"]], id="without needs all start at once"),
        pytest.param(
            {"a": (), "b": (), "c": ("a", "b")},
            ["a", "b"],
            [["a", "b"], [], ["c"]],
            id="a join waits for the last of its needs",
        ),
        pytest.param(
            {"a": (), "b": ("a", "a")}, ["a"], [["a"], ["b"]], id="a need that is named twice counts once"
        ),
        pytest.param(
            {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")},
            ["a", "c", "b"],
            [["a"], ["b", "c"], [], ["d"]],
            id="a diamond",
        ),
    ],
)
def test_what_becomes_ready(needs, ends, expected):
    frontier = Frontier(needs)
    found = [taken(frontier)]
    for name in ends:
        frontier.passed(name)
        found.append(taken(frontier))
    assert found == expected


def test_what_needs_a_broken_task_is_blocked_with_the_one_right_before_it_to_blame():
    frontier = Frontier({"a": (), "b": ("a",), "c": ("b",), "d": ()})
    assert taken(frontier) == ["a", "d"]
    assert frontier.broke("a") == [("b", "a"), ("c", "b")]
    frontier.passed("d")
    assert taken(frontier) == []


def test_a_task_is_blocked_once_though_two_of_its_needs_break():
    frontier = Frontier({"a": (), "b": (), "c": ("a", "b")})
    assert frontier.broke("a") == [("c", "a")]
    assert frontier.broke("b") == []


def test_a_blocked_task_does_not_start_when_its_other_needs_pass():
    frontier = Frontier({"a": (), "b": (), "c": ("a", "b")})
    taken(frontier)
    frontier.broke("a")
    frontier.passed("b")
    assert taken(frontier) == []


@st.composite
def graphs_with_ends(draw):
    size = draw(st.integers(0, 8))
    names = [f"t{index}" for index in range(size)]
    needs = {
        name: tuple(draw(st.lists(st.sampled_from(names[:index]), max_size=4))) if index else ()
        for index, name in enumerate(names)
    }
    broken = {name for name in names if draw(st.booleans())}
    return needs, broken, draw(st.randoms(use_true_random=False))


@given(graphs_with_ends())
def test_any_graph_ends_as_defined(case):
    """Every task started exactly once after all its needs passed, or is blocked by a broken ancestor."""
    needs, broken, random = case
    frontier = Frontier(needs)
    started, passed, blocked = [], set(), {}
    running = taken(frontier)
    while running:
        name = running.pop(random.randrange(len(running)))
        started.append(name)
        assert set(needs[name]) <= passed
        if name in broken:
            blocked.update(frontier.broke(name))
        else:
            passed.add(name)
            frontier.passed(name)
        running += taken(frontier)
    assert len(started) == len(set(started))
    assert set(started) | set(blocked) == set(needs)
    for name in needs:
        hopeless = any(need in broken or need in blocked for need in needs[name])
        assert (name in blocked) == hopeless
        assert (name in started) == (not hopeless)
