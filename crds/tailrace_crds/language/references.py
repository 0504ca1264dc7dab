"""What a flow's templates name: inputs, variables and tasks that exist, and tasks that have ended by then."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from tailrace_crds.flow import FlowSpec
from tailrace_crds.language import graph, schema_tree, templates
from tailrace_crds.language import template_source as source
from tailrace_crds.language.manifest import PluginLookup
from tailrace_crds.language.problems import Problem, joined, kind, suggestion
from tailrace_crds.language.properties import strings
from tailrace_crds.language.tasks import Place
from tailrace_crds.language.template_source import Path
from tailrace_crds.language.undefined import dotted

TASK_FIELDS = ("outputs", "phase")
RUN_FIELDS = ("name", "namespace", "id", "attempt", "phase", "startTime")
FLOW_FIELDS = ("name", "namespace", "revision")
ERROR_FIELDS = ("task", "message", "reason")
TRIGGER_FIELDS = ("type", "name", "slot", "cause", "payload")
_FIXED = {"run": RUN_FIELDS, "flow": FLOW_FIELDS, "trigger": TRIGGER_FIELDS}


class Use(NamedTuple):
    """A template, where it stands, and the task it belongs to; None: the flow's outputs."""

    path: str
    text: str
    place: Place | None


def check(flow: FlowSpec, places: list[Place], plugins: PluginLookup) -> list[Problem]:
    """Templates that cannot be parsed, and names in them that lead nowhere."""
    names = _Names(flow, places, plugins)
    found: list[Problem] = []
    for use in _uses(flow, places, plugins):
        problem = templates.problem(use.text)
        if problem is not None:
            found.append(Problem(use.path, problem))
            continue
        messages = (names.message(path, use.place) for path in templates.paths(use.text))
        found += [Problem(use.path, message) for message in messages if message]
    return [*found, *_conditions(places)]


def _uses(flow: FlowSpec, places: list[Place], plugins: PluginLookup) -> Iterator[Use]:
    for place in places:
        manifest = plugins.manifest(place.task.type)
        unrendered = {*manifest.literal_properties, *manifest.verbatim_properties} if manifest else set()
        if place.task.when is not None:
            yield Use(f"{place.path}.when", place.task.when, place)
        for key, value in place.task.properties.items():
            if key not in unrendered:
                for path, text in strings(value, joined(f"{place.path}.properties", key)):
                    yield Use(path, text, place)
    for path, text in strings(flow.outputs, "spec.outputs"):
        yield Use(path, text, None)


def _conditions(places: list[Place]) -> list[Problem]:
    """A `when` is one expression: other text would always hold."""
    right = 'should be one template, such as "{{ tasks.fetch.outputs.total > 100 }}"'
    return [
        Problem(f"{place.path}.when", right)
        for place in places
        if place.task.when is not None and not _is_condition(place.task.when)
    ]


def _is_condition(text: str) -> bool:
    if source.expression(text) is not None or text.strip().lower() in {"true", "false"}:
        return True
    return any(block.kind == "statement" for block in source.blocks(text))


class _Names:
    """What may be named where."""

    def __init__(self, flow: FlowSpec, places: list[Place], plugins: PluginLookup) -> None:
        self._flow = flow
        self._plugins = plugins
        self._places = {place.task.name: place for place in places}
        self._upstream: dict[str, set[str]] = {}

    @cached_property
    def _graphs(self) -> dict[str, dict[str, tuple[str, ...]]]:
        flow = self._flow
        return {
            "tasks": graph.edges(flow.tasks),
            "onFailure": graph.edges(flow.on_failure),
            "finally": graph.edges(flow.finally_),
        }

    def message(self, path: Path, place: Place | None) -> str | None:
        """What is wrong with a path; None where nothing is."""
        root = str(path[0])
        if root == "tasks":
            return self._task(path, place)
        if root == "inputs":
            return self._input(path, path[1:])
        if root == "vars":
            return _value(self._flow.vars, path)
        if root == "item":
            return "item exists only inside of forEach"
        in_hook = place is not None and place.section != "tasks"
        fixed = {**_FIXED, "error": ERROR_FIELDS} if in_hook else _FIXED
        return _field(path, fixed[root]) if root in fixed else self._payload(path)

    def _input(self, path: Path, below: Path) -> str | None:
        if self._flow.inputs is None:
            return None
        return _in_schema(self._flow.inputs, path, below, "spec.inputs declares")

    def _payload(self, path: Path) -> str | None:
        """A bare name: a key of the payload, which is the inputs."""
        declared = self._flow.inputs
        if declared is None or not _is_closed(declared, declared) or path[0] in templates.PAYLOAD_NAMES:
            return None
        known = schema_tree.properties(declared, ())
        if path[0] in known:
            return self._input(path, path)
        return f"there is no {path[0]}{suggestion(str(path[0]), [*templates.ROOTS, *known])}"

    def _task(self, path: Path, place: Place | None) -> str | None:
        if len(path) == 1:
            return None
        name = str(path[1])
        if name not in self._places:
            return f"there is no task {name}{self._similar(name)}"
        if place is not None and not self._has_ended(name, place):
            return self._not_upstream(name, place)
        if problem := _field(path[1:], TASK_FIELDS, shown=path):
            return problem
        if len(path) > 3 and path[2] == "outputs":  # noqa: PLR2004 — tasks, its name, outputs, a field
            manifest = self._plugins.manifest(self._places[name].task.type)
            if manifest is not None:
                return _in_schema(manifest.output_schema, path, path[3:], f"{manifest.id} gives")
        return None

    def _similar(self, name: str) -> str:
        dashed = [other for other in self._places if "-" in other and other.split("-")[0] == name]
        if dashed:
            return f'; a name with a dash is written tasks["{dashed[0]}"]'
        return suggestion(name, self._places)

    def _has_ended(self, name: str, place: Place) -> bool:
        """Whether a task has ended, or will never start, when another one is rendered."""
        other = self._places[name]
        if other.section != place.section:
            return place.section != "tasks" and (place.section, other.section) != ("onFailure", "finally")
        own = place.task.name
        if own not in self._upstream:
            self._upstream[own] = graph.upstream(self._graphs[place.section], own)
        return name in self._upstream[own]

    def _not_upstream(self, name: str, place: Place) -> str:
        own = place.task.name
        if name == own:
            return f"a task cannot read its own outputs ({name})"
        if self._places[name].section != place.section:
            return f"{name} runs later, in spec.{self._places[name].section}"
        return f"{own} does not wait for {name}: add it to its needs"


def _value(root: dict[str, Any], path: Path) -> str | None:
    """A path into constants."""
    value: Any = root
    for depth, part in enumerate(path[1:], 1):
        above = dotted(path[:depth])
        if isinstance(value, dict):
            if part not in value:
                return f"there is no {dotted(path[: depth + 1])}{suggestion(str(part), value, 'variables')}"
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int):
            if not -len(value) <= part < len(value):
                return f"there is no {dotted(path[: depth + 1])}: {above} has {len(value)} items"
            value = value[part]
        else:
            return f"there is no {dotted(path[: depth + 1])}: {above} is {kind(value)}"
    return None


def _field(path: Path, known: tuple[str, ...], shown: Path | None = None) -> str | None:
    whole = shown or path
    if len(path) > 1 and path[1] not in known:
        place = dotted(whole[: len(whole) - len(path) + 2])
        return f"there is no {place}{suggestion(str(path[1]), known)}"
    return None


def _in_schema(schema: Any, path: Path, below: Path, whose: str) -> str | None:
    """What a schema says against a path into a value that it describes; it must declare what is named."""
    node: Any = schema
    offset = len(path) - len(below)
    for depth, part in enumerate(below, offset):
        shown = dotted(path[: depth + 1])
        keyword = "items" if isinstance(part, int) else "properties"
        opened = schema_tree.open_node(schema, node, keyword)
        if opened is None:
            return None
        if _is_scalar(opened):
            return f"there is no {shown}: {dotted(path[:depth])} is of type {opened['type']}"
        if isinstance(part, str) and _is_closed(schema, opened) and part not in opened["properties"]:
            known = list(opened["properties"])
            what = f"; {whose} nothing there" if not known else suggestion(part, known)
            return f"there is no {shown}{what}"
        node = schema_tree.step(schema, opened, part)
        if node is None:
            return None
    return None


def _is_scalar(node: dict[str, Any]) -> bool:
    return node.get("type") in ("string", "integer", "number", "boolean", "null")


def _is_closed(schema: Any, node: dict[str, Any]) -> bool:
    """Whether an object has the declared properties only."""
    opened = schema_tree.open_node(schema, node, "properties") or {}
    combined = opened.keys() & {"anyOf", "oneOf", "allOf", "patternProperties", "$ref", "if"}
    return (
        isinstance(opened.get("properties"), dict) and not combined and not opened.get("additionalProperties")
    )
