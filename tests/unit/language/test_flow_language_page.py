"""The examples of docs/flow-language.md are flows that can work; its messages are those that are given."""

import re
from pathlib import Path

import pytest

from tailrace_crds.language import short_form, template_rules, validation
from tailrace_crds.language.yaml_text import load_yaml
from tailrace_plugins import catalogue

PAGE = (Path(__file__).parents[3] / "docs/flow-language.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def test_the_page_has_examples():
    assert len(EXAMPLES) > 6


@pytest.mark.parametrize("text", EXAMPLES, ids=[text.split("\n")[0] for text in EXAMPLES])
def test_an_example_is_a_valid_flow(text):
    document, problems = load_yaml(text)
    assert problems == []
    flow, problems = short_form.expand(document)
    assert problems == []
    assert validation.validate_flow(flow, catalogue) == []


def test_the_page_lists_the_filters_that_there_are():
    listed = re.search(r"Filters: `(.*?)`", PAGE, flags=re.DOTALL)
    assert set(listed.group(1).split()) == template_rules.FILTERS - {"d", "e", "times"}


def test_the_page_shows_messages_as_they_are_given():
    spec = {
        "inputs": {"properties": {"email": {}}},
        "tasks": [
            {"name": "fetch", "type": "util.log", "properties": {"message": "m"}, "needs": []},
            {"name": "a", "type": "http.requset"},
            {"name": "b", "type": "util.log", "properties": {"message": "m"}, "when": "{{ inputs.emial }}"},
            {
                "name": "tell",
                "type": "util.log",
                "properties": {"message": "{{ tasks.fetch.phase }}"},
                "needs": [],
            },
        ],
    }
    given = [str(problem) for problem in validation.validate(spec, catalogue)]
    spec["tasks"][1] = {"name": "a", "type": "http.request", "properties": {"url": "u", "methd": "GET"}}
    given += [str(problem) for problem in validation.validate(spec, catalogue)]
    shown = re.search(r"^```\n(spec.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL).group(1)
    assert set(shown.splitlines()) <= set(given)
