import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace_crds import flow as flow_model
from tailrace_crds.language import validation
from tailrace_crds.language.problems import Problem
from tailrace_plugins import catalogue

LOG = {"name": "a", "type": "util.log", "properties": {"message": "m"}}


def log(name, message="m", **fields):
    return {"name": name, "type": "util.log", "properties": {"message": message}, **fields}


def http(name, **properties):
    return {"name": name, "type": "http.request", "properties": {"url": "https://h.example/", **properties}}


def found(spec):
    return validation.validate({"tasks": [], **spec}, catalogue)


VALID = {
    "title": "Big orders",
    "inputs": {
        "type": "object",
        "required": ["orderId"],
        "properties": {"orderId": {"type": "string"}, "free": {"type": "object"}},
    },
    "vars": {"limit": 100, "hosts": ["a"]},
    "timeout": "10m",
    "retry": {"maxAttempts": 2, "backoff": {"initial": "1s", "max": "1s"}},
    "tasks": [
        {
            "name": "fetch",
            "type": "http.request",
            "properties": {
                "url": "https://shop.example/orders/{{ inputs.orderId }}",
                "headers": {"authorization": "Bearer ${SHOP_TOKEN}"},
                "timeout": "{{ inputs.free.timeout }}",
            },
            "retry": {
                "maxAttempts": 5,
                "backoff": {"initial": "1s", "factor": 2, "max": "1m", "jitter": True},
            },
        },
        log(
            "tell",
            "{{ tasks.fetch.outputs.body.total }}",
            when="{{ tasks.fetch.outputs.body.total > vars.limit }}",
        ),
        log("beside", "{{ flow.name }} {{ run.attempt }} {{ trigger.payload.x.y }}", needs=[]),
        log("dash-ed", needs=["tell", "beside"]),
        log("last", "{{ tasks['dash-ed'].outputs.message }} {{ tasks.fetch.outputs.status_code }}"),
    ],
    "onFailure": [log("sorry", "{{ error.message }} {{ tasks.fetch.phase }} {{ tasks.beside.outputs }}")],
    "finally": [log("bye"), log("end", "{{ tasks.bye.outputs.message }} {{ tasks.sorry.phase }}")],
    "outputs": {"total": "{{ tasks.fetch.outputs.body.total }}", "first": "{{ vars.hosts[0] }}"},
}


def test_a_flow_that_uses_everything_has_no_problems():
    assert found(VALID) == []
    document = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Flow",
        "metadata": {"name": "x"},
        "spec": VALID,
    }
    assert validation.validate_flow(document, catalogue) == []
    assert validation.validate_flow(flow_model.example(), catalogue) == []


def test_a_flow_without_tasks_is_valid():
    assert found({}) == []


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        # the shape
        pytest.param(
            {"tasks": {}}, "spec.tasks", "should be a list, not an object", id="tasks that are no list"
        ),
        pytest.param(
            {"tsks": []}, "spec.tsks", "there is no such field; did you mean tasks?", id="an unknown field"
        ),
        pytest.param({"tasks": [{"type": "util.log"}]}, "spec.tasks[0].name", "is required", id="no name"),
        pytest.param(
            {"tasks": [log("1a")]}, "spec.tasks[0].name", "write a letter or _ first", id="a name's form"
        ),
        pytest.param(
            {"tasks": [log("a", retry={"maxAttempts": "3"})]},
            "spec.tasks[0].retry.maxAttempts",
            'should be a whole number, not the text "3"',
            id="a number as text",
        ),
        pytest.param(
            {"tasks": [log("a", retry={"maxAttempts": 0})]},
            "spec.tasks[0].retry.maxAttempts",
            "should be at least 1, not the number 0",
            id="too few attempts",
        ),
        pytest.param(
            {"tasks": [log("a", retry={"backoff": {"initial": "5"}})]},
            "spec.tasks[0].retry.backoff.initial",
            "whole numbers with d, h, m, s and ms",
            id="a pause without unit",
        ),
        pytest.param({"timeout": "1m1h"}, "spec.timeout", "largest first", id="a timeout in disorder"),
        pytest.param(
            {"tasks": [log("a", timeout="4000d")]}, "spec.tasks[0].timeout", "at most 3650d", id="too long"
        ),
        pytest.param(
            {"retry": {"backoff": {"initial": "1h", "max": "1s"}}},
            "spec.retry.backoff.max",
            "at least initial, which is 1h",
            id="a longest pause below the first",
        ),
        pytest.param({"state": "Off"}, "spec.state", "Draft, Active or Paused", id="an unknown state"),
        pytest.param(
            {"tasks": [log(f"t{i}") for i in range(1001)]}, "spec.tasks", "at most 1000 items", id="too many"
        ),
        pytest.param(
            {"description": "x" * 4097}, "spec.description", "at most 4096 characters", id="too much text"
        ),
        # names and needs
        pytest.param(
            {"tasks": [log("a"), log("a")]},
            "spec.tasks[1].name",
            "a is already the name of spec.tasks[0]",
            id="a name twice",
        ),
        pytest.param(
            {"tasks": [log("a")], "finally": [log("a")]},
            "spec.finally[0].name",
            "already the name",
            id="a name twice, across lists",
        ),
        pytest.param(
            {"tasks": [log("fetch"), log("b", needs=["fetsh"])]},
            "spec.tasks[1].needs[0]",
            "there is no task fetsh in spec.tasks; did you mean fetch?",
            id="an unknown need",
        ),
        pytest.param(
            {"tasks": [log("a")], "finally": [log("b", needs=["a"])]},
            "spec.finally[0].needs[0]",
            "there is no task a in spec.finally",
            id="a need of another list",
        ),
        pytest.param(
            {"tasks": [log("a", needs=["b"]), log("b", needs=["a"])]},
            "spec.tasks",
            "in a cycle: a → b → a",
            id="a cycle",
        ),
        pytest.param(
            {"tasks": [log("a", needs=["a"])]}, "spec.tasks", "a → a", id="a task that waits for itself"
        ),
        # types and properties
        pytest.param(
            {"tasks": [{"name": "a", "type": "http.requset"}]},
            "spec.tasks[0].type",
            "unknown task type http.requset; did you mean http.request?",
            id="an unknown type",
        ),
        pytest.param(
            {"tasks": [{"name": "a", "type": "util.log"}]},
            "spec.tasks[0].properties.message",
            "is required",
            id="a property that is absent",
        ),
        pytest.param(
            {"tasks": [http("a", methd="GET")]},
            "spec.tasks[0].properties.methd",
            "there is no such property; did you mean method?",
            id="an unknown property",
        ),
        pytest.param(
            {"tasks": [http("a", method="GIT")]},
            "spec.tasks[0].properties.method",
            'should be one of "GET"',
            id="a value that is not listed",
        ),
        pytest.param(
            {"tasks": [http("a", headers={"x": 3})]},
            "spec.tasks[0].properties.headers.x",
            "should be text, not the number 3",
            id="a wrong type within",
        ),
        pytest.param(
            {"tasks": [http("a", form="{{ inputs.x }}", query=[])]},
            "spec.tasks[0].properties.query",
            "should be an object, not a list",
            id="a wrong type beside a template",
        ),
        pytest.param(
            {"tasks": [http("a", successCodes=["2x"])]},
            "spec.tasks[0].properties.successCodes[0]",
            "[1-5]xx",
            id="of alternatives the one of the same kind",
        ),
        pytest.param(
            {"tasks": [log("a", "m ${TOKEN}")]},
            "spec.tasks[0].properties.message",
            "util.log takes credentials nowhere",
            id="a credential where none is filled in",
        ),
        pytest.param(
            {"tasks": [http("a", timeout="${T}")]},
            "spec.tasks[0].properties.timeout",
            "only in url, headers",
            id="a credential in another property",
        ),
        pytest.param(
            {"tasks": [{"name": "a", "type": "container.run", "properties": {"image": "x:{{ inputs.v }}"}}]},
            "spec.tasks[0].properties.image",
            "may not be a template",
            id="a template for an image",
        ),
        pytest.param(
            {
                "tasks": [
                    {
                        "name": "a",
                        "type": "container.run",
                        "properties": {"image": "x", "command": ["a", "{{ inputs.v }}"]},
                    }
                ]
            },
            "spec.tasks[0].properties.command[1]",
            "may not be a template",
            id="a template for a command",
        ),
        # templates
        pytest.param(
            {"tasks": [log("a", "{{ inputs.x ")]},
            "spec.tasks[0].properties.message",
            "unexpected end",
            id="a template that is not closed",
        ),
        pytest.param(
            {"tasks": [log("a", "{{ inputs.x|uper }}")]},
            "spec.tasks[0].properties.message",
            "no filter uper",
            id="an unknown filter",
        ),
        pytest.param(
            {"outputs": {"a": ["{{ vars.x }}"]}},
            "spec.outputs.a[0]",
            "there is no vars.x",
            id="an output that names nothing",
        ),
        pytest.param(
            {"tasks": [log("a", when="tasks.a.outputs.x > 3")]},
            "spec.tasks[0].when",
            "should be one template",
            id="a condition without braces",
        ),
        pytest.param(
            {"tasks": [log("a", when="{{ inputs.a }} and {{ inputs.b }}")]},
            "spec.tasks[0].when",
            "should be one template",
            id="a condition of two templates",
        ),
        # inputs
        pytest.param(
            {"inputs": {"type": "array"}}, "spec.inputs.type", "inputs have names", id="inputs of a list"
        ),
        pytest.param(
            {"inputs": {"properties": {"a": {"type": "strng"}}}},
            "spec.inputs.properties.a.type",
            '"strng" is no type',
            id="an input of no type",
        ),
    ],
)
def test_a_problem_says_where_and_what_would_be_right(spec, path, message):
    problems = found(spec)
    assert [(problem.path, message in problem.message) for problem in problems] == [(path, True)], problems


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"outputs": {"x": "{{ inputs.any.thing }} {{ anything }}"}}, id="without a schema"),
        pytest.param(
            {
                "inputs": {"properties": {"a": {}}, "additionalProperties": True},
                "outputs": {"x": "{{ inputs.b }}"},
            },
            id="further inputs allowed",
        ),
        pytest.param(
            {"inputs": {"properties": {"a": {}}}, "outputs": {"x": "{{ a.b }} {{ data.a }}"}}, id="bare names"
        ),
        pytest.param(
            {
                "inputs": {
                    "properties": {"a": {"$ref": "#/$defs/x"}},
                    "$defs": {"x": {"properties": {"y": {}}}},
                },
                "outputs": {"x": "{{ inputs.a.y }}"},
            },
            id="references within the schema",
        ),
        pytest.param({"tasks": [http("a", maxResponseBytes="{{ inputs.n }}")]}, id="a template for a number"),
        pytest.param(
            {"tasks": [http("a", headers="{{ inputs.h }}", json={"a": ["${T}"]})]}, id="and for an object"
        ),
        pytest.param({"tasks": [log("a", "$${NOT_ONE}")]}, id="an escaped reference"),
        pytest.param({"tasks": [log("a", when="true")]}, id="a constant condition"),
        pytest.param(
            {
                "tasks": [
                    {"name": "a", "type": "script.python", "properties": {"code": "x = f'{{{1}}} ${A}'"}}
                ]
            },
            id="a program is no template",
        ),
        pytest.param({"vars": {"a": "{{ mustache }}"}}, id="variables are constants"),
        pytest.param(
            {"tasks": [log("a", "{% for x in inputs.l %}{{ x.y }}{% endfor %}")]}, id="a loop's variable"
        ),
    ],
)
def test_what_could_work_is_let_in(spec):
    assert found(spec) == []


def test_all_problems_are_told_at_once_and_in_order():
    spec = {
        "timeout": "1m1h",
        "tasks": [log("a", "{{ x|uper }}", needs=["b"]), {"name": "c", "type": "nope"}],
    }
    paths = [problem.path for problem in found(spec)]
    assert paths == [
        "spec.timeout",
        "spec.tasks[0].needs[0]",
        "spec.tasks[0].properties.message",
        "spec.tasks[1].type",
    ]


def test_a_spec_over_a_mebibyte_is_refused():
    assert "at most 1048576 bytes" in found({"vars": {"x": "y" * 1024 * 1024}})[0].message


def test_a_thousand_tasks_are_validated_in_a_moment():
    tasks = [log("t0")] + [log(f"t{i}", f"{{{{ tasks.t{i - 1}.outputs.message }}}}") for i in range(1, 1000)]
    assert found({"tasks": tasks}) == []


@pytest.mark.parametrize(
    ("document", "path"),
    [
        pytest.param(None, "", id="null"),
        pytest.param([], "", id="a list"),
        pytest.param("x", "", id="text"),
        pytest.param({}, "spec", id="no spec"),
        pytest.param({"kind": "Run", "spec": {}}, "kind", id="another kind"),
        pytest.param({"spec": None}, "spec", id="a spec of null"),
        pytest.param({"spec": {"vars": {"x": float("nan")}}}, "spec", id="a number that JSON does not have"),
    ],
)
def test_a_document_that_is_no_flow(document, path):
    assert validation.validate_flow(document, catalogue)[0].path == path


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["{{ a.b }}", "{{", "${X}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
tasks = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c", "d-e"]), "type": st.sampled_from([*catalogue.ids(), "x.y"])},
    optional={
        "properties": st.dictionaries(
            st.sampled_from(
                ["message", "url", "json", "query", "code", "image", "values", "inputs", "key", "duration"]
            ),
            json_values,
            max_size=4,
        ),
        "needs": st.lists(st.sampled_from(["a", "b", "c", "z"]), max_size=3),
        "when": st.sampled_from(
            ["{{ tasks.a.outputs.x.y[0] }}", "{{ tasks['d-e'].phase }}", "{{ vars.q }}", "x", ""]
        ),
        "retry": json_values,
        "timeout": st.sampled_from(["1s", "9" * 30 + "d", "x"]) | json_values,
    },
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "tasks": st.lists(tasks, max_size=4) | json_values,
        "onFailure": st.lists(tasks, max_size=2) | json_values,
        "finally": st.lists(tasks, max_size=2) | json_values,
        "inputs": json_values | st.fixed_dictionaries({"properties": json_values, "type": json_values}),
        "vars": json_values,
        "outputs": json_values
        | st.dictionaries(st.text(max_size=3), st.just("{{ inputs.a[0].b }}"), max_size=2),
    },
)


@given(json_values | st.fixed_dictionaries({"spec": specs | json_values}))
def test_no_json_makes_it_raise(document):
    problems = validation.validate_flow(document, catalogue)
    for problem in problems:
        assert isinstance(problem, Problem)
        assert problem.message
        json.dumps(problem.as_dict())


def test_json_without_end_does_not_make_it_raise():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    assert validation.validate_flow({"spec": {"vars": {"x": deep}}}, catalogue)
