"""A JSON Schema's defaults, filled in; apart from checking, for which a starting runner cannot wait."""

import copy
from typing import Any

from tailrace_crds.language import schema_tree

_MAX_DEPTH = 20


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
