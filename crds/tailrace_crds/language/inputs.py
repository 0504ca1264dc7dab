"""A Run's inputs against the Flow's JSON Schema."""

from typing import Any

from tailrace_crds.language import schemas
from tailrace_crds.language.defaults import with_defaults
from tailrace_crds.language.problems import Problem, joined
from tailrace_crds.language.schemas import SchemaError

__all__ = ["check", "check_schema", "with_defaults"]


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
