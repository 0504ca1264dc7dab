from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace_crds.language import graph


@dataclass
class Task:
    name: str
    needs: list[str] | None = None


def edges(**needs):
    return graph.edges(Task(name, need) for name, need in needs.items())


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        pytest.param({}, {}, id="no tasks"),
        pytest.param({"a": None}, {"a": ()}, id="the first waits for nothing"),
        pytest.param({"a": None, "b": None}, {"a": (), "b": ("a",)}, id="a plain list is a sequence"),
        pytest.param({"a": None, "b": []}, {"a": (), "b": ()}, id="an empty list starts at once"),
        pytest.param(
            {"a": None, "b": [], "c": ["a", "b"]},
            {"a": (), "b": (), "c": ("a", "b")},
            id="needs join branches",
        ),
        pytest.param(
            {"a": None, "b": [], "c": None},
            {"a": (), "b": (), "c": ("b",)},
            id="the one before is the list's",
        ),
        pytest.param({"a": None, "b": ["a", "a"]}, {"a": (), "b": ("a",)}, id="the same need twice is one"),
    ],
)
def test_the_implicit_sequence_is_resolved(tasks, expected):
    assert edges(**tasks) == expected


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        pytest.param({"a": None, "b": None, "c": None}, None, id="a sequence has none"),
        pytest.param({"a": ["a"]}, ["a", "a"], id="a task that waits for itself"),
        pytest.param({"a": ["b"], "b": ["a"]}, ["a", "b", "a"], id="two that wait for each other"),
        pytest.param(
            {"a": [], "b": ["d"], "c": ["b"], "d": ["c"]}, ["b", "d", "c", "b"], id="three after a start"
        ),
        pytest.param({"a": ["b"], "b": None}, ["a", "b", "a"], id="the implicit need closes it"),
        pytest.param({"a": ["gone"]}, None, id="a need that does not exist is no cycle"),
    ],
)
def test_a_cycle_is_found(tasks, expected):
    assert graph.find_cycle(edges(**tasks)) == expected


def test_the_order_names_a_cycle():
    with pytest.raises(ValueError, match="a → b → a"):
        graph.order(edges(a=["b"], b=["a"]))


def test_upstream_is_transitive():
    tasks = edges(a=None, b=None, c=["b"], d=[], e=["c", "d"])
    assert graph.upstream(tasks, "e") == {"a", "b", "c", "d"}
    assert graph.upstream(tasks, "d") == set()


names = st.integers(min_value=0, max_value=11).map("t{}".format)


@given(st.dictionaries(names, st.none() | st.lists(names, max_size=4), max_size=12))
def test_any_graph_has_an_order_or_a_cycle(tasks):
    resolved = edges(**tasks)
    cycle = graph.find_cycle(resolved)
    if cycle is not None:
        assert cycle[0] == cycle[-1]
        assert all(after in resolved[before] for before, after in pairwise(cycle))
        return
    ordered = graph.order(resolved)
    assert sorted(ordered) == sorted(resolved)
    seen: set[str] = set()
    for name in ordered:
        assert {need for need in resolved[name] if need in resolved} <= seen
        assert graph.upstream(resolved, name) <= seen
        seen.add(name)


def test_a_thousand_tasks_in_a_row_are_no_recursion():
    tasks = graph.edges(Task(f"t{index}") for index in range(1000))
    assert graph.find_cycle(tasks) is None
    assert len(graph.upstream(tasks, "t999")) == 999
