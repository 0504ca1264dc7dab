"""The shape of a document: pydantic's errors in plain words, with the path and what would be right."""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tailrace_crds.language import schema_tree
from tailrace_crds.language.problems import Problem, joined, kind, shown, suggestion


def problems(error: ValidationError, model: type[BaseModel], path: str) -> list[Problem]:
    """Every error of a model's validation; `path` is where the document stands in a larger one."""
    schema = model.model_json_schema(by_alias=True)
    return list(
        dict.fromkeys(
            Problem(_path(item, path), _message(item, schema)) for item in error.errors(include_url=False)
        )
    )


def _path(item: ErrorDetails, path: str) -> str:
    return joined(path, *(part for part in item["loc"] if part != "[key]"))


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
}

_FIXED = {
    "missing": "is required",
    "string_too_short": "should have at least {min_length} characters",
    "string_too_long": "should have at most {max_length} characters",
    "too_short": "should have at least {min_length} items, it has {actual_length}",
    "too_long": "should have at most {max_length} items, it has {actual_length}",
}


def _message(item: ErrorDetails, schema: dict[str, Any]) -> str:
    context: dict[str, Any] = item.get("ctx", {})
    type_, value = item["type"], item["input"]
    if type_ in _FIXED:
        return _FIXED[type_].format(**context)
    if type_ in _EXPECTED:
        return f"should be {_EXPECTED[type_].format(**context)}, not {kind(value)}".replace("'", "")
    if type_ == "extra_forbidden":
        known = schema_tree.properties(schema, item["loc"][:-1])
        return f"there is no such field{suggestion(str(item['loc'][-1]), known)}"
    if type_ == "string_pattern_mismatch":
        return f"{shown(str(value))} is not valid here: {_right(context['pattern'], item, schema)}"
    return str(context["error"]) if type_ == "value_error" else item["msg"].replace("Input should", "should")


_PATTERNS = {
    r"^([0-9]+(ms|s|m|h|d))+$": "write whole numbers with d, h, m, s and ms, such as 500ms, 30s or 1h30m",
    r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$": "write a letter or _ first, then letters, digits, _ and -, at most 63",
    r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$": "write the id of a plugin, such as http.request",
}


def _right(pattern: str, item: ErrorDetails, schema: dict[str, Any]) -> str:
    """What a text should look like, by its pattern, else by its field's description."""
    described = schema_tree.description(schema, item["loc"])
    return _PATTERNS.get(pattern) or described or f"it should match {pattern}"
