"""The text of a flow and what it means."""

from typing import Any

import pytest

from tailrace_api.core import documents
from tailrace_api.core.errors import Invalid
from tailrace_plugins import catalogue

TEXT = "name: hello\ntasks:\n- {name: a, type: util.log, properties: {message: x}}\n"


def flow(text: str = TEXT, **spec: Any) -> dict[str, Any]:
    parsed = documents.parse(text, catalogue, "yamlContent")
    return {"metadata": {"name": "hello"}, "spec": {**documents.with_text(parsed.spec, "w", text), **spec}}


def test_the_text_comes_back_byte_for_byte() -> None:
    text = "# comment\r\n" + TEXT + "\n\n"
    assert documents.text_of(flow(text), "w") == text


@pytest.mark.parametrize("change", [{"title": "other"}, {"state": "Paused"}], ids=["renamed", "paused"])
def test_name_and_state_leave_the_text_as_it_is(change: dict[str, Any]) -> None:
    assert documents.text_of(flow(**change), "w") == TEXT


@pytest.mark.parametrize(
    "change",
    [
        {"tasks": []},
        {"vars": {"a": 1}},
        {"timeout": "1m"},
        {"onFailure": [{"name": "b", "type": "util.log"}]},
        {"runner": {"nodeSelector": {"a": "b"}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_other_change_makes_it_anew(change: dict[str, Any]) -> None:
    text = documents.text_of(flow(**change), "w")
    assert text != TEXT
    assert "name: hello" in text
    assert next(iter(change)) in text


def test_defaults_that_the_server_filled_in_change_nothing() -> None:
    filled = flow(runner={"launch": "Job"}, vars={}, state="Active")
    filled["spec"]["tasks"][0] |= {"continueOnError": False}
    assert documents.text_of(filled, "w") == TEXT


def test_another_dialect_s_text_is_not_shown() -> None:
    assert documents.text_of(flow(), "x") != TEXT


def test_a_text_written_anew_says_the_same() -> None:
    changed = flow(vars={"ä": [1, None, "yes"]})
    again = documents.parse(documents.text_of(changed, "w"), catalogue, "yamlContent")
    assert documents.content_hash(again.spec) == documents.content_hash(changed["spec"])
    assert again.name == "hello"


def test_a_manifest_is_understood() -> None:
    manifest = (
        "apiVersion: tailrace.dev/v1alpha1\nkind: Flow\nmetadata: {name: m, namespace: ns}\n"
        "spec: {title: T, tasks: []}\n"
    )
    parsed = documents.parse(manifest, catalogue, "yamlContent")
    assert (parsed.name, parsed.namespace, parsed.spec) == ("T", "ns", {"tasks": []})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tasks: [{name: a, type: nope}]", "tasks[0].type"),
        ("spec: {tasks: [{name: a, type: nope}]}\nkind: Flow", "spec.tasks[0].type"),
        ("name: 5\ntasks: []", "name"),
        ("namespace: [x]\ntasks: []", "namespace"),
    ],
)
def test_problems_have_the_path_in_the_text(text: str, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        documents.parse(text, catalogue, "yamlContent")
    assert path in [problem.path for problem in refused.value.details]


def test_a_caller_s_own_document_is_not_taken() -> None:
    text = "spec: {tasks: [], document: {dialect: w, text: lies, hash: x}}\nkind: Flow"
    assert "document" not in documents.parse(text, catalogue, "yamlContent").spec
