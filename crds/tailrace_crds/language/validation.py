"""What of a Flow can never work. One function for the operator, the facade and the command line."""

import json
import re
from typing import Any

from pydantic import ValidationError

from tailrace_crds.flow import FlowSpec
from tailrace_crds.language import graph, inputs, properties, references, structure, templates
from tailrace_crds.language.manifest import PluginLookup
from tailrace_crds.language.problems import Problem, kind, suggestion
from tailrace_crds.language.tasks import Place, places

__all__ = ["PluginLookup", "Problem", "validate", "validate_flow"]

MAX_BYTES = 1024 * 1024
MAX_PROBLEMS = 100


def validate_flow(document: Any, plugins: PluginLookup) -> list[Problem]:
    """Everything wrong with a Flow (apiVersion, kind, metadata, spec). Raises on no JSON value."""
    if not isinstance(document, dict):
        return [Problem("", f"a Flow should be an object, not {kind(document)}")]
    found = []
    if document.get("kind", "Flow") != "Flow":
        found.append(Problem("kind", f"should be Flow, not {kind(document['kind'])}"))
    if "spec" not in document:
        return [*found, Problem("spec", "is required")]
    return found + validate(document["spec"], plugins)


def validate(spec: Any, plugins: PluginLookup) -> list[Problem]:
    """Everything wrong with a Flow's spec, paths beginning with `spec`; at most 100 problems."""
    try:
        if len(json.dumps(spec, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")) > MAX_BYTES:
            return [Problem("spec", f"should have at most {MAX_BYTES} bytes as JSON")]
        flow = FlowSpec.model_validate(spec)
    except ValidationError as error:
        return structure.problems(error, FlowSpec, "spec")[:MAX_PROBLEMS]
    except (RecursionError, ValueError, TypeError):
        return [Problem("spec", "is not JSON that can be read")]
    return sorted(_meaning(flow, plugins), key=_position)[:MAX_PROBLEMS]


def _meaning(flow: FlowSpec, plugins: PluginLookup) -> list[Problem]:
    everything = places(flow)
    found = [*_schema(flow), *_names(everything), *_needs(flow)]
    found += properties.duration("spec.timeout", flow.timeout) + properties.retry("spec.retry", flow.retry)
    for place in everything:
        found += properties.check(place, plugins)
    return found + references.check(flow, everything, plugins)


def _schema(flow: FlowSpec) -> list[Problem]:
    return inputs.check_schema(flow.inputs) if flow.inputs is not None else []


def _names(everything: list[Place]) -> list[Problem]:
    """Names are unique across tasks, onFailure and finally: each is one key of `tasks`."""
    first: dict[str, str] = {}
    found = []
    for place in everything:
        name = place.task.name
        if name in first:
            found.append(Problem(f"{place.path}.name", f"{name} is already the name of {first[name]}"))
        first.setdefault(name, place.path)
    return found


def _needs(flow: FlowSpec) -> list[Problem]:
    """Each name in `needs` is a task of the same list, and no task waits for itself."""
    found = []
    for section, tasks in (("tasks", flow.tasks), ("onFailure", flow.on_failure), ("finally", flow.finally_)):
        known = {task.name: None for task in tasks}
        for index, task in enumerate(tasks):
            for position, need in enumerate(task.needs or ()):
                if need not in known:
                    path = f"spec.{section}[{index}].needs[{position}]"
                    others = known.keys() - {task.name}
                    found.append(
                        Problem(path, f"there is no task {need} in spec.{section}{suggestion(need, others)}")
                    )
        cycle = graph.find_cycle(graph.edges(tasks)) if len(known) == len(tasks) else None
        if cycle is not None:
            path = f"spec.{section}"
            found.append(Problem(path, f"the tasks wait for each other in a cycle: {' → '.join(cycle)}"))
    return found


_FIELDS = ["timeout", "retry", "inputs", "vars", "tasks", "onFailure", "finally", "outputs"]
_TOP = re.compile(r"spec\.(\w+)(?:\[(\d+)\])?")


def _position(problem: Problem) -> tuple[int, int]:
    """Where in the flow a problem stands, so that they are told from the top down."""
    match = _TOP.match(problem.path)
    if match is None:
        return -1, 0
    field, index = match.groups()
    return _FIELDS.index(field) if field in _FIELDS else -1, int(index or -1)


def validate_mapping(mapping: Any, path: str = "spec.inputs") -> list[Problem]:
    """What of a Trigger's inputs can never be rendered: templates that are none, or that have statements."""
    return [
        Problem(place, problem)
        for place, text in properties.strings(mapping, path)
        if (problem := templates.problem(text, statements=False)) is not None
    ]
