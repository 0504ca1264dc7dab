"""What templates of a flow may name, and what is said of the rest."""

import pytest

from tailrace_crds.language import validation
from tailrace_plugins import catalogue


def log(name, message="m", **fields):
    return {"name": name, "type": "util.log", "properties": {"message": message}, **fields}


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        pytest.param(
            {
                "inputs": {"properties": {"email": {"type": "string"}}},
                "tasks": [log("a", "{{ inputs.emial }}")],
            },
            "spec.tasks[0].properties.message",
            "there is no inputs.emial; did you mean email?",
            id="an unknown input",
        ),
        pytest.param(
            {
                "inputs": {"properties": {"o": {"properties": {"a": {}}}}},
                "outputs": {"x": "{{ inputs.o.b.c }}"},
            },
            "spec.outputs.x",
            "there is no inputs.o.b",
            id="an unknown input within an object",
        ),
        pytest.param(
            {"inputs": {"properties": {"s": {"type": "string"}}}, "outputs": {"x": "{{ inputs.s.b }}"}},
            "spec.outputs.x",
            "inputs.s is of type string",
            id="below a text",
        ),
        pytest.param(
            {
                "inputs": {"properties": {"l": {"items": {"properties": {"a": {}}}}}},
                "outputs": {"x": "{{ inputs.l[0].b }}"},
            },
            "spec.outputs.x",
            "there is no inputs.l[0].b",
            id="within the items of a list",
        ),
        pytest.param(
            {"inputs": {"properties": {"email": {}}}, "outputs": {"x": "{{ emial }}"}},
            "spec.outputs.x",
            "there is no emial; did you mean email?",
            id="a bare name that no input has",
        ),
        pytest.param(
            {"inputs": {"properties": {"email": {}}}, "outputs": {"x": "{{ taks.a }}"}},
            "spec.outputs.x",
            "did you mean tasks?",
            id="a root misspelt",
        ),
        pytest.param(
            {"vars": {"a": {"b": 1}}, "outputs": {"x": "{{ vars.a.c }}"}},
            "spec.outputs.x",
            "there is no vars.a.c",
            id="an unknown variable",
        ),
        pytest.param(
            {"vars": {"l": [1]}, "outputs": {"x": "{{ vars.l[1] }}"}},
            "spec.outputs.x",
            "vars.l has 1 items",
            id="a variable's item",
        ),
        pytest.param(
            {"tasks": [log("fetch")], "outputs": {"x": "{{ tasks.fetsh.outputs }}"}},
            "spec.outputs.x",
            "there is no task fetsh; did you mean fetch?",
            id="an unknown task",
        ),
        pytest.param(
            {"tasks": [log("my-task")], "outputs": {"x": "{{ tasks.my-task.outputs }}"}},
            "spec.outputs.x",
            'written tasks["my-task"]',
            id="a dash read as minus",
        ),
        pytest.param(
            {"tasks": [log("a"), log("b", "{{ tasks.a.outputs.mesage }}")]},
            "spec.tasks[1].properties.message",
            "there is no tasks.a.outputs.mesage; did you mean message?",
            id="an output that the plugin does not give",
        ),
        pytest.param(
            {"tasks": [log("a")], "outputs": {"x": "{{ tasks.a.output.message }}"}},
            "spec.outputs.x",
            "there is no tasks.a.output; did you mean outputs?",
            id="a part that tasks do not have",
        ),
        pytest.param(
            {"tasks": [log("a", "{{ tasks.b.outputs.message }}"), log("b")]},
            "spec.tasks[0].properties.message",
            "a does not wait for b: add it to its needs",
            id="a later task",
        ),
        pytest.param(
            {"tasks": [log("a"), log("b", "{{ tasks.a.phase }}", needs=[])]},
            "spec.tasks[1].properties.message",
            "b does not wait for a",
            id="a task beside",
        ),
        pytest.param(
            {"tasks": [log("a", "{{ tasks.a.phase }}")]},
            "spec.tasks[0].properties.message",
            "cannot read its own outputs",
            id="a task's own outputs",
        ),
        pytest.param(
            {"tasks": [log("a", "{{ tasks.z.phase }}")], "finally": [log("z")]},
            "spec.tasks[0].properties.message",
            "z runs later, in spec.finally",
            id="a task of finally",
        ),
        pytest.param(
            {"tasks": [log("a", "{{ error.message }}")], "inputs": {"properties": {}}},
            "spec.tasks[0].properties.message",
            "there is no error",
            id="error outside of onFailure",
        ),
        pytest.param(
            {"outputs": {"x": "{{ run.phse }}"}},
            "spec.outputs.x",
            "there is no run.phse",
            id="a part that runs do not have",
        ),
        pytest.param(
            {"outputs": {"x": "{{ item.a }}"}}, "spec.outputs.x", "only inside of forEach", id="item"
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_told_with_the_nearest(spec, path, message):
    problems = validation.validate({"tasks": [], **spec}, catalogue)
    assert [(problem.path, message in problem.message) for problem in problems] == [(path, True)], problems
