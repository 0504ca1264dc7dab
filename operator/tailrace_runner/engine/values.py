"""What templates read: the Run's inputs and variables, and what ended tasks gave.

Outputs over 4 KiB live in the store. Templates name what they read, so they are fetched for the tasks that
need them and not before; the most recent stay in memory, up to a bound.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from tailrace_crds.language import templates
from tailrace_crds.language.defaults import with_defaults
from tailrace_crds.phases import TaskPhase
from tailrace_plugins.base import TaskError
from tailrace_runner.engine.plan import FlowPlan
from tailrace_runner.engine.ports import Store

INLINE_BYTES = 4096
INLINE_LEVELS = 32
MAX_OUTPUT_BYTES = 100 * 1024 * 1024
CACHE_BYTES = 64 * 1024 * 1024
RUN_OUTPUTS = "run.outputs"
"""The name of the Run's own outputs in the store; no task can be called that."""


class Values:
    """The context of a Run's templates."""

    def __init__(self, roots: Mapping[str, Any], store: Store) -> None:
        self._roots = dict(roots)
        self._store = store
        self._tasks: dict[str, dict[str, Any]] = {}
        self._stored: dict[str, str] = {}
        self._recent: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._recent_bytes = 0

    async def keep(self, name: str, outputs: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        """Outputs as the journal has them: in place, or the reference to them. TaskError where too large."""
        content = _encoded(outputs)
        if len(content) <= INLINE_BYTES and _is_shallow(outputs):
            return outputs, None
        reference = await self._store.put(name, content)
        self._stored[name] = reference
        self._remember(name, outputs, len(content))
        return None, reference

    def ended(
        self, name: str, phase: TaskPhase, outputs: dict[str, Any] | None, reference: str | None
    ) -> None:
        """A task has ended: templates may read it. Without outputs they are empty."""
        self._tasks[name] = {"phase": phase.value, "outputs": outputs or {}}
        if reference is not None:
            self._stored[name] = reference

    def tell(self, phase: str) -> None:
        """How the Run has ended, for the templates of its hooks."""
        self._roots["run"] = {**self._roots["run"], "phase": phase}

    async def context(self, value: Any, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The context in which `value` can be rendered, with the stored outputs that it reads."""
        tasks = dict(self._tasks)
        for name in self._read_by(value):
            tasks[name] = {**tasks[name], "outputs": await self._fetch(name)}
        return {**templates.context(self._roots["inputs"], **self._roots, tasks=tasks), **(extra or {})}

    def _read_by(self, value: Any) -> set[str]:
        read: set[str] = set()
        stored = self._stored.keys() & self._tasks.keys()
        if not stored:
            return read
        for text in _strings(value):
            for path in templates.paths(text):
                if path[0] != "tasks":
                    continue
                # A path that ends here, or goes on with something computed, may mean any task.
                read |= {str(path[1])} & stored if len(path) > 1 else stored
        return read

    async def _fetch(self, name: str) -> Any:
        if name in self._recent:
            self._recent.move_to_end(name)
            return self._recent[name][1]
        content = await self._store.get(name)
        outputs = orjson.loads(content)
        self._remember(name, outputs, len(content))
        return outputs

    def _remember(self, name: str, outputs: Any, size: int) -> None:
        self._recent[name] = (size, outputs)
        self._recent_bytes += size
        while self._recent_bytes > CACHE_BYTES and len(self._recent) > 1:
            _, (dropped, _) = self._recent.popitem(last=False)
            self._recent_bytes -= dropped


def roots(
    run: Mapping[str, Any], flow: FlowPlan, revision: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What templates read of a Run besides its tasks; defaults of inputs are filled in."""
    spec, metadata, status = run["spec"], run["metadata"], run["status"]
    return {
        "inputs": with_defaults(flow.inputs, spec.get("inputs") or {}),
        "vars": flow.vars or {},
        "trigger": spec.get("trigger") or {},
        "run": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "id": metadata["uid"],
            "attempt": status["claim"]["attempt"],
            "phase": status["phase"],
            "startTime": status["startTime"],
        },
        "flow": {
            "name": flow.name,
            "namespace": metadata["namespace"],
            "revision": (revision or {}).get("name", ""),
        },
    }


def _encoded(outputs: dict[str, Any]) -> bytes:
    try:
        content = orjson.dumps(outputs)
    except TypeError as error:
        raise TaskError(f"the outputs are not JSON: {error}", "InvalidOutputs", retryable=False) from None
    if len(content) > MAX_OUTPUT_BYTES:
        message = f"the outputs have {len(content)} bytes, at most {MAX_OUTPUT_BYTES} are kept"
        raise TaskError(message, "OutputsTooLarge", retryable=False)
    return content


def _is_shallow(value: Any, levels: int = INLINE_LEVELS) -> bool:
    """Whether servers that bound the nesting of what they parse will take it."""
    if levels == 0:
        return False
    if isinstance(value, dict):
        return all(_is_shallow(item, levels - 1) for item in value.values())
    return not isinstance(value, list) or all(_is_shallow(item, levels - 1) for item in value)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
