"""What can start now: a graph of tasks, seen from its ended ones. Pure."""

from collections import deque
from collections.abc import Mapping


class Frontier:
    """The tasks of a graph that wait, may start, or never can, as others end.

    The work for each ended task is in proportion to what needs it: a thousand tasks cost only their edges.
    """

    def __init__(self, needs: Mapping[str, tuple[str, ...]]) -> None:
        self._missing = {name: len(set(before)) for name, before in needs.items()}
        self._dependants: dict[str, list[str]] = {name: [] for name in needs}
        for name, before in needs.items():
            for needed in set(before):
                self._dependants[needed].append(name)
        self._ready = deque(name for name, missing in self._missing.items() if missing == 0)
        self._blocked: dict[str, str] = {}

    @property
    def ready(self) -> deque[str]:
        """Tasks that may start, in the order in which they became so; the caller takes from the left."""
        return self._ready

    def passed(self, name: str) -> None:
        """`name` has ended, and what needs it may go on."""
        for dependant in self._dependants[name]:
            self._missing[dependant] -= 1
            if self._missing[dependant] == 0:
                self._ready.append(dependant)

    def broke(self, name: str) -> list[tuple[str, str]]:
        """`name` has ended, and what needs it, directly or through others, never starts.

        Returns each task newly blocked, with the one right before it that is to blame.
        """
        newly = []
        queue = deque([name])
        while queue:
            cause = queue.popleft()
            for dependant in self._dependants[cause]:
                if dependant not in self._blocked:
                    self._blocked[dependant] = cause
                    newly.append((dependant, cause))
                    queue.append(dependant)
        return newly
