"""A Run's inputs against the Flow's JSON Schema."""

import copy
from typing import Any

from tailrace_crds.language import schema_tree, schemas
from tailrace_crds.language.problems import Problem, joined
from tailrace_crds.language.schemas import SchemaError

_MAX_DEPTH = 20


def check(schema: dict[str, Any] | None, inputs: Any, path: str = "spec.inputs") -> list[Problem]:
    """What of the inputs does not fit, after defaults are filled in; without a schema any object does."""
    if not isinstance(inputs, dict):
        return [Problem(path, "should be an object of named inputs")]
    if schema is None:
        return []
    try:
        return schemas.check(schema, with_defaults(schema, inputs), path)
    except SchemaError as error:
        return [Problem(path, f"the flow's input schema is not valid: {error}")]


def check_schema(schema: dict[str, Any], path: str = "spec.inputs") -> list[Problem]:
    """Whether it is a JSON Schema for an object, and whether its defaults fit it."""
    if schema.get("type", "object") != "object":
        return [Problem(f"{path}.type", 'should be "object": inputs have names')]
    try:
        defaults = with_defaults({**schema, "required": []}, {})
        found = schemas.check({**schema, "required": []}, defaults, path)
    except SchemaError as error:
        return [Problem(joined(path, *error.location), f"is not JSON Schema: {error.reason}")]
    return [Problem(problem.path, f"the default {problem.message}") for problem in found]


def with_defaults(schema: dict[str, Any] | None, inputs: dict[str, Any]) -> dict[str, Any]:
    """A copy of the inputs with the schema's `default`s where a property is absent, at any depth."""
    if schema is None:
        return dict(inputs)
    filled = _filled(schema, schema, inputs, 0)
    return filled if isinstance(filled, dict) else dict(inputs)


def _filled(root: dict[str, Any], schema: Any, value: Any, depth: int) -> Any:
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return value
    opened = schema_tree.open_node(root, schema, "properties")
    properties = opened.get("properties") if opened else None
    if not isinstance(properties, dict):
        return value
    filled = dict(value)
    for name, part in properties.items():
        if name in filled:
            filled[name] = _filled(root, part, filled[name], depth + 1)
        else:
            target = schema_tree.open_node(root, part, "default")
            if target is not None and "default" in target:
                filled[name] = copy.deepcopy(target["default"])
    return filled
