"""A pydantic model as a structural schema."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from tailrace_crds import definitions, schema
from tailrace_crds.meta import Model
from tailrace_crds.schema import structural


class Inner(Model):
    name: Annotated[str, Field(max_length=5, pattern="^a")]


class Outer(Model):
    inner: Inner
    maybe: Inner | None = None
    several: list[Inner] = []
    anything: dict[str, Any] = {}
    labels: dict[str, str] = {}
    one_of: Literal["x"] = "x"
    count: Annotated[int, Field(ge=1)] = 3


PROPERTIES = structural(Outer)["properties"]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        pytest.param("inner", PROPERTIES["maybe"], id="an optional part has the part's own schema"),
        pytest.param("oneOf", {"type": "string", "enum": ["x"], "default": "x"}, id="a constant is an enum"),
        pytest.param(
            "count", {"type": "integer", "minimum": 1, "format": "int64", "default": 3}, id="an integer"
        ),
        pytest.param(
            "anything",
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            id="free JSON is kept as it is",
        ),
        pytest.param(
            "labels",
            {
                "type": "object",
                "additionalProperties": {"type": "string", "maxLength": schema.DEFAULT_MAX_LENGTH},
                "maxProperties": schema.DEFAULT_MAX_PROPERTIES,
            },
            id="a map is bounded",
        ),
    ],
)
def test_each_sort_of_field(field: str, expected: dict[str, Any]) -> None:
    assert PROPERTIES[field] == expected


def test_items_of_a_list_have_no_defaults() -> None:
    class Item(Model):
        flag: bool = True
        default: str = "kept"

    class Holder(Model):
        items: list[Item] = []

    item = structural(Holder)["properties"]["items"]["items"]
    assert item["properties"]["flag"] == {"type": "boolean"}
    assert item["properties"].keys() == {"flag", "default"}


def test_a_union_of_types_is_refused() -> None:
    class Unclear(Model):
        either: int | str

    with pytest.raises(ValueError, match="union of types"):
        structural(Unclear)


def walk(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in walk(item)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for item in node.values() for found in walk(item))]


@pytest.mark.parametrize("kind", definitions.KINDS, ids=lambda kind: kind.name)
def test_every_definition_is_structural_and_bounded(kind: definitions.Kind) -> None:
    nodes = walk(definitions.definition(kind)["spec"]["versions"][0]["schema"])
    assert not [
        node
        for node in nodes
        if node.keys() & {"$ref", "anyOf", "oneOf", "const", "title", "$defs"}
        and "type" in node
        and not isinstance(node.get("title"), dict)
    ]
    specs = walk(
        definitions.definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    )
    for node in specs:
        if node.get("type") == "string":
            assert "maxLength" in node or "enum" in node, node
        if node.get("type") == "array":
            assert "maxItems" in node, node


def test_the_check_notices_a_file_that_differs(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert definitions.main(["--check"]) == 1
    assert definitions.main([]) == 0
    assert definitions.main(["--check"]) == 0
    (tmp_path / "crds/generated/runs.yaml").write_text("changed")
    assert definitions.main(["--check"]) == 1
