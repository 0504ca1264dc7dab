"""JSON Schema: whether a schema is one, and what of a value does not fit it, in plain words."""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs
from jsonschema_rs import ValidationError

from tailrace_crds.language import schema_tree
from tailrace_crds.language.problems import Problem, joined, kind, shown, suggestion

MAX_PROBLEMS = 50
_PATTERNS = jsonschema_rs.RegexOptions(size_limit=1_000_000)


class SchemaError(ValueError):
    """What should be a JSON Schema is none: the message says why, `location` where in it."""

    def __init__(self, message: str, location: tuple[str | int, ...] = ()) -> None:
        super().__init__(f"{joined('', *location)}: {message}" if location else message)
        self.reason = message
        self.location = location


def check(schema: Any, value: Any, path: str) -> list[Problem]:
    """What of the value does not fit; SchemaError where the schema is none."""
    return list(
        dict.fromkeys(found for error in errors(schema, value) for found in explained(schema, error, path))
    )


def errors(schema: Any, value: Any) -> Iterator[ValidationError]:
    """The validator's own errors, the first 50; SchemaError where the schema is none."""
    for count, error in enumerate(validator(json.dumps(schema)).iter_errors(value), 1):
        yield error
        if count == MAX_PROBLEMS:
            return


@lru_cache(maxsize=512)
def validator(schema: str) -> jsonschema_rs.Validator:
    """The validator of a schema as JSON text; it fetches nothing, its patterns run in linear time."""
    try:
        return jsonschema_rs.validator_for(
            json.loads(schema), offline=True, pattern_options=_PATTERNS, validate_formats=True
        )
    except ValidationError as error:
        raise SchemaError(_schema_fault(error), tuple(error.instance_path)) from None
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise SchemaError(str(error).splitlines()[0]) from None


def explained(schema: Any, error: ValidationError, path: str) -> list[Problem]:
    """One error as problems; of alternatives, those of the nearest."""
    place, keyword, detail = joined(path, *error.instance_path), error.kind.name, error.kind.as_dict()
    if keyword in {"anyOf", "oneOf"} and detail.get("context"):
        return _nearest_alternative(schema, error, path)
    if keyword in {"additionalProperties", "unevaluatedProperties"} and "unexpected" in detail:
        known = schema_tree.properties(schema, tuple(error.instance_path))
        return [
            Problem(joined(place, name), f"there is no such property{suggestion(name, known)}")
            for name in detail["unexpected"]
        ]
    if keyword == "required":
        return [Problem(joined(place, str(detail["property"])), "is required")]
    return [Problem(place, _message(error, keyword, detail))]


def _nearest_alternative(schema: Any, error: ValidationError, path: str) -> list[Problem]:
    """The alternative that fails deepest; where all fail at the value itself, all that it may be."""
    options: list[list[ValidationError]] = [option for option in error.kind.as_dict()["context"] if option]
    here = len(error.instance_path)
    deeper = [option for option in options if any(len(item.instance_path) > here for item in option)]
    other_kind = [option for option in options if not any(item.kind.name == "type" for item in option)]
    for chosen in (deeper, other_kind):
        if chosen:
            return [found for item in chosen[0] for found in explained(schema, item, path)]
    types = [name for option in options for item in option for name in item.kind.as_dict().get("types", ())]
    return [
        Problem(joined(path, *error.instance_path), f"should be {_types(types)}, not {kind(error.instance)}")
    ]


_TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _types(names: list[str]) -> str:
    return " or ".join(dict.fromkeys(_TYPE_WORDS.get(name, name) for name in names)) or "something else"


_LIMITS = {
    "minimum": "should be at least {limit}",
    "maximum": "should be at most {limit}",
    "exclusiveMinimum": "should be more than {limit}",
    "exclusiveMaximum": "should be less than {limit}",
    "minLength": "should have at least {limit} characters",
    "maxLength": "should have at most {limit} characters",
    "minItems": "should have at least {limit} items",
    "maxItems": "should have at most {limit} items",
    "minProperties": "should have at least {limit} properties",
    "maxProperties": "should have at most {limit} properties",
    "multipleOf": "should be a multiple of {multiple_of}",
    "uniqueItems": "should not have the same item twice",
}


def _message(error: ValidationError, keyword: str, detail: dict[str, Any]) -> str:
    if keyword in _LIMITS:
        return _LIMITS[keyword].format(**detail)
    expected = _EXPECTED.get(keyword)
    if expected is not None:
        return f"should be {expected(detail)}, not {kind(error.instance)}"
    if keyword == "propertyNames":
        return f"a name in it is not allowed: {detail['error'].message}"
    return error.message if len(error.message) < 200 else f"does not fit the schema's {keyword}"  # noqa: PLR2004


_EXPECTED: dict[str, Callable[[dict[str, Any]], str]] = {
    "type": lambda detail: _types(detail["types"]),
    "enum": lambda detail: f"one of {_listed(detail['options'])}",
    "const": lambda detail: json.dumps(detail["expected_value"]),
    "pattern": lambda detail: f"text that matches {detail['pattern']}",
    "format": lambda detail: f"a valid {detail['format']}",
}


def _listed(options: list[Any]) -> str:
    return ", ".join(json.dumps(option, ensure_ascii=False) for option in options[:20])


def _schema_fault(error: ValidationError) -> str:
    keyword = error.instance_path[-1] if error.instance_path else ""
    if keyword == "type":
        return f"{json.dumps(error.instance)} is no type: write one of {', '.join(_TYPE_WORDS)}"
    if keyword == "pattern":
        return (
            f"{shown(str(error.instance))} is no regular expression without look-around and back references"
        )
    if "Retrieval is disabled" in error.message:
        return "a $ref may point only into the schema itself (#/$defs/…)"
    return error.message.splitlines()[0][:200]
