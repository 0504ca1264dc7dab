"""From a pydantic model's JSON Schema to the structural schema that a CustomResourceDefinition wants.

Kubernetes refuses `$ref`, `const`, `anyOf` with types in it, and `additionalProperties` beside `properties`;
CEL cost estimates want every string, list and map bounded.
"""

from typing import Any

from pydantic import BaseModel

DEFAULT_MAX_LENGTH = 1024
DEFAULT_MAX_ITEMS = 1000
DEFAULT_MAX_PROPERTIES = 256

Schema = dict[str, Any]


def structural(model: type[BaseModel]) -> Schema:
    """The model as a structural schema: references inlined, bounds everywhere, no titles."""
    source = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(source, source.get("$defs", {}))


def _convert(node: Schema, definitions: dict[str, Schema]) -> Schema:
    node = _resolve(node, definitions)
    if "anyOf" in node:
        return _nullable(node, definitions)
    kind = node.get("type")
    if kind == "object":
        return _object(node, definitions)
    if kind == "array":
        return _array(node, definitions)
    if kind is None:
        return _described(node, {"x-kubernetes-preserve-unknown-fields": True})
    return _scalar(node, kind)


def _resolve(node: Schema, definitions: dict[str, Schema]) -> Schema:
    reference = node.get("$ref")
    if reference is None:
        return node
    target = definitions[reference.removeprefix("#/$defs/")]
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return _resolve(target | beside, definitions)


def _nullable(node: Schema, definitions: dict[str, Schema]) -> Schema:
    choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
    if len(choices) != 1:
        raise ValueError(f"a union of types has no structural schema: {node}")
    beside = {key: value for key, value in node.items() if key != "anyOf" and value is not None}
    return _convert(choices[0] | beside, definitions)


def _object(node: Schema, definitions: dict[str, Schema]) -> Schema:
    out: Schema = {"type": "object"}
    values = node.get("additionalProperties")
    if "properties" in node:
        out["properties"] = {name: _convert(value, definitions) for name, value in node["properties"].items()}
        if node.get("required"):
            out["required"] = node["required"]
    elif isinstance(values, dict):
        out["additionalProperties"] = _convert(values, definitions)
        out["maxProperties"] = node.get("maxProperties", DEFAULT_MAX_PROPERTIES)
    else:
        out["x-kubernetes-preserve-unknown-fields"] = True
    return _described(node, out)


def _array(node: Schema, definitions: dict[str, Schema]) -> Schema:
    out: Schema = {
        "type": "array",
        "items": _without_defaults(_convert(node.get("items", {}), definitions)),
        "maxItems": node.get("maxItems", DEFAULT_MAX_ITEMS),
    }
    return _described(node, out)


def _without_defaults(node: Any) -> Any:
    """Client-side apply replaces a list that is not as it was sent: the server adds nothing to its items."""
    if isinstance(node, list):
        return [_without_defaults(item) for item in node]
    if isinstance(node, dict):
        is_schema = isinstance(node.get("type"), str)
        return {
            key: _without_defaults(value)
            for key, value in node.items()
            if not (is_schema and key == "default")
        }
    return node


def _scalar(node: Schema, kind: str) -> Schema:
    out: Schema = {"type": kind}
    if "const" in node:
        out["enum"] = [node["const"]]
    for key in ("enum", "pattern", "minLength", "maxLength", "minimum", "maximum"):
        if key in node:
            out[key] = node[key]
    if kind == "string" and "enum" not in out:
        out.setdefault("maxLength", DEFAULT_MAX_LENGTH)
    if kind == "integer":
        out["format"] = "int64"
    return _described(node, out)


def _described(node: Schema, out: Schema) -> Schema:
    if "description" in node:
        out["description"] = " ".join(str(node["description"]).split())
    if node.get("default") not in (None, {}, []) and not isinstance(node["default"], dict):
        out["default"] = node["default"]
    out.update({key: value for key, value in node.items() if key.startswith("x-kubernetes-")})
    return out
