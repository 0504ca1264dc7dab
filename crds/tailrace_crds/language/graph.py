"""The task graph: who waits for whom. A plain list is a sequence; `needs` makes it a graph."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

Edges = Mapping[str, tuple[str, ...]]
"""For each task, in the order of the list, the tasks that must end before it starts."""


class Node(Protocol):
    """What the graph reads of a task."""

    @property
    def name(self) -> str:
        """Unique in the flow."""

    @property
    def needs(self) -> Sequence[str] | None:
        """Tasks that must end first; None: the one before in the list."""


def edges(tasks: Iterable[Node]) -> dict[str, tuple[str, ...]]:
    """Each task's needs, with the implicit sequence resolved: without `needs` it waits for the one before."""
    resolved: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for task in tasks:
        resolved[task.name] = before if task.needs is None else tuple(dict.fromkeys(task.needs))
        before = (task.name,)
    return resolved


def order(graph: Edges) -> list[str]:
    """The tasks so that each comes after all it needs, otherwise as listed; ValueError names a cycle.

    Needs that are not tasks of the graph are taken as met.
    """
    waiting = {name: {need for need in needs if need in graph} for name, needs in graph.items()}
    dependants: dict[str, list[str]] = {name: [] for name in graph}
    for name, needs in waiting.items():
        for need in needs:
            dependants[need].append(name)
    ready = [name for name, needs in waiting.items() if not needs]
    ordered: list[str] = []
    while ready:
        following: list[str] = []
        for name in ready:
            ordered.append(name)
            for dependant in dependants[name]:
                waiting[dependant].discard(name)
                if not waiting[dependant]:
                    following.append(dependant)
        ready = following
    if len(ordered) < len(graph):
        raise ValueError("cycle: " + " → ".join(find_cycle(graph) or []))
    return ordered


def find_cycle(graph: Edges) -> list[str] | None:
    """A cycle as `[a, b, a]`, each waiting for the next; None where there is none."""
    done: set[str] = set()
    for start in graph:
        if start in done:
            continue
        path = [start]
        on_path = {start}
        branches = [iter(graph[start])]
        while branches:
            need = next((n for n in branches[-1] if n in graph and n not in done), None)
            if need is None:
                branches.pop()
                finished = path.pop()
                on_path.discard(finished)
                done.add(finished)
            elif need in on_path:
                return [*path[path.index(need) :], need]
            else:
                path.append(need)
                on_path.add(need)
                branches.append(iter(graph[need]))
    return None


def upstream(graph: Edges, name: str) -> set[str]:
    """All tasks that have ended when this one starts: its needs, theirs, and so on."""
    found: set[str] = set()
    pending = list(graph.get(name, ()))
    while pending:
        need = pending.pop()
        if need in found or need not in graph:
            continue
        found.add(need)
        pending.extend(graph[need])
    return found
