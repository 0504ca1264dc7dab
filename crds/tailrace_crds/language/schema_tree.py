"""Walks through a JSON Schema along the path of a value: which part describes what stands there."""

from typing import Any

Schema = dict[str, Any]


def node(schema: Any, location: tuple[int | str, ...]) -> Schema | None:
    """The part that describes what stands at a location; None where the schema does not say."""
    found = schema if isinstance(schema, dict) else None
    for part in location:
        found = step(schema, found, part)
        if found is None:
            return None
    return found


def step(schema: Schema, parent: Schema | None, part: int | str) -> Schema | None:
    """One step further down: the schema of a property or an item."""
    keyword = "items" if isinstance(part, int) else "properties"
    opened = open_node(schema, parent, keyword)
    if opened is None:
        return None
    child = opened.get("items") if isinstance(part, int) else _property(opened, str(part))
    return child if isinstance(child, dict) else None


def _property(opened: Schema, name: str) -> Any:
    properties = opened.get("properties")
    if isinstance(properties, dict) and name in properties:
        return properties[name]
    return opened.get("additionalProperties")


def open_node(schema: Schema, found: Any, wanted: str) -> Schema | None:
    """A node with its `$ref` followed; of alternatives the one that has the wanted keyword."""
    for _ in range(32):
        if not isinstance(found, dict) or "$ref" not in found:
            break
        found = _resolved(schema, found["$ref"])
    if not isinstance(found, dict):
        return None
    options = found.get("anyOf") or found.get("oneOf") or found.get("allOf")
    if wanted in found or not isinstance(options, list):
        return found
    opened = [open_node(schema, option, "") for option in options]
    return next((option for option in opened if option and wanted in option), found)


def _resolved(schema: Schema, reference: Any) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    found: Any = schema
    for part in reference[2:].split("/"):
        if not isinstance(found, dict):
            return None
        found = found.get(part.replace("~1", "/").replace("~0", "~"))
    return found


def properties(schema: Any, location: tuple[int | str, ...]) -> list[str]:
    """The names that may stand in the object at a location, as far as the schema lists them."""
    found = open_node(schema, node(schema, location), "properties")
    listed = found.get("properties") if found else None
    return [str(name) for name in listed] if isinstance(listed, dict) else []


def description(schema: Any, location: tuple[int | str, ...]) -> str | None:
    """What the schema says about the value at a location."""
    found = node(schema, location)
    if found is None:
        return None
    opened = found if "description" in found else open_node(schema, found, "description")
    text = opened.get("description") if opened else None
    return text if isinstance(text, str) else None
