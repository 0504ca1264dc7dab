import pytest

from tailrace_crds.language import short_form, validation
from tailrace_crds.language.yaml_text import load_yaml
from tailrace_plugins import catalogue

DOCUMENTED = """\
name: my-workflow
tasks:
  - name: hello
    type: util.log
    properties:
      message: Hello world
"""


def test_the_documented_flow_is_a_flow():
    document, problems = load_yaml(DOCUMENTED)
    assert problems == []
    flow, problems = short_form.expand(document)
    assert problems == []
    assert flow["apiVersion"] == "tailrace.dev/v1alpha1"
    assert flow["metadata"] == {"name": "my-workflow"}
    assert flow["spec"]["title"] == "my-workflow"
    assert validation.validate_flow(flow, catalogue) == []


def test_everything_that_a_spec_may_hold_stands_at_the_top():
    document = {
        "name": "Shopify → NetSuite Orders",
        "namespace": "production",
        "description": "d",
        "onFailure": [],
        "finally": [],
        "timeout": "5m",
    }
    flow, problems = short_form.expand(document)
    assert problems == []
    assert flow["metadata"] == {"name": "shopify-netsuite-orders", "namespace": "production"}
    assert flow["spec"] == {
        "title": "Shopify → NetSuite Orders",
        "description": "d",
        "onFailure": [],
        "finally": [],
        "timeout": "5m",
    }


def test_a_whole_flow_stays_as_it_is():
    whole = {"apiVersion": "tailrace.dev/v1alpha1", "kind": "Flow", "metadata": {"name": "x"}, "spec": {}}
    assert short_form.expand(whole) == (whole, [])


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        pytest.param({"name": "x", "task": []}, "task", "did you mean tasks?", id="an unknown field"),
        pytest.param({"name": 3}, "name", "should be text", id="a name that is no text"),
        pytest.param({"name": " "}, "name", "should be text", id="an empty name"),
        pytest.param([], "", "should be an object", id="a list"),
        pytest.param(None, "", "should be an object", id="nothing"),
    ],
)
def test_what_is_no_flow_says_why(document, path, message):
    _, problems = short_form.expand(document)
    assert [problem.path for problem in problems] == [path]
    assert message in problems[0].message


@pytest.mark.parametrize(
    ("title", "name"),
    [
        pytest.param("my-workflow", "my-workflow", id="a name already"),
        pytest.param("Grüße & Co.", "gr-sse-co", id="letters of other languages"),
        pytest.param("→→", "flow", id="nothing that is allowed"),
        pytest.param("x" * 300, "x" * 200, id="too long"),
    ],
)
def test_a_title_becomes_a_name(title, name):
    assert short_form.resource_name(title) == name
