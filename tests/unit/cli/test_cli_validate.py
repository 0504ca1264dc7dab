"""What `tailrace validate` says: the operator's words, for every kind and form."""

import json
import textwrap

import pytest
from typer.testing import CliRunner

from tailrace_cli import documents
from tailrace_cli.main import app

FLOW = """
apiVersion: tailrace.dev/v1alpha1
kind: Flow
metadata: {name: hello}
spec:
  tasks:
  - {name: hello, type: util.log, properties: {message: hi}}
"""


def header(kind, name="x"):
    return f"apiVersion: tailrace.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\n"


def schedule(settings):
    return header("Trigger") + "spec: {flow: f, type: schedule, schedule: " + settings + "}\n"


def problems(text):
    found, unreadable = documents.read(textwrap.dedent(text))
    return [str(problem) for problem in unreadable or [p for document in found for p in document.problems]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(FLOW, id="a Flow"),
        pytest.param(
            "name: hello\ntasks:\n- {name: a, type: util.log, properties: {message: hi}}\n", id="short form"
        ),
        pytest.param("tasks: []\n", id="short form without a name"),
        pytest.param(
            "name: A title with spaces\nnamespace: production\ntasks: []\n", id="short form with a title"
        ),
        pytest.param(json.dumps({"name": "hello", "tasks": []}), id="JSON"),
        pytest.param(header("Run") + "spec: {flow: hello, inputs: {n: 1}}\n", id="a Run"),
        pytest.param(
            header("Run").replace("name:", "generateName:") + "spec: {flow: hello}\n",
            id="a Run with a generated name",
        ),
        pytest.param(
            schedule("{cron: '*/5 * * * *'}"),
            id="a schedule",
        ),
        pytest.param(schedule("{cron: '@daily'}"), id="@daily"),
        pytest.param(
            header("Trigger") + "spec: {flow: f, type: webhook, webhook: {key: k}}\n", id="a webhook"
        ),
        pytest.param(header("Credential") + "spec: {secretRef: {name: s, key: k}}\n", id="a Credential"),
    ],
)
def test_valid(text):
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: [1", "line", id="no YAML"),
        pytest.param("", "the text is empty", id="nothing"),
        pytest.param("- 1\n", "should be an object, not a list", id="no object"),
        pytest.param("name: x\nname: y\n", "name", id="a key twice"),
        pytest.param(
            "name: x\ntasks:\n- {name: a, type: nope}\n",
            "tasks[0].type: unknown task type nope",
            id="short form, path",
        ),
        pytest.param("name: x\ntask: []\n", "task: there is no such field", id="short form, unknown field"),
        pytest.param("name: 1\n", "name: should be a text", id="short form, name"),
        pytest.param("metadata: {name: x}\ntasks: []\n", "metadata: belongs to", id="half an envelope"),
        pytest.param(FLOW.replace("hello, type", "a b, type"), "spec.tasks[0].name", id="a task's name"),
        pytest.param(
            FLOW.replace("v1alpha1", "v1"),
            "apiVersion: should be tailrace.dev/v1alpha1, not tailrace.dev/v1",
            id="version",
        ),
        pytest.param(
            FLOW.replace("kind: Flow", "kind: Flo"),
            "kind: should be one of Flow, Trigger, Credential, Run",
            id="kind",
        ),
        pytest.param("kind: Flow\nmetadata: {name: x}\nspec: {}\n", "apiVersion: should be", id="no version"),
        pytest.param(FLOW + "extra: 1\n", "extra: is not a field here", id="field beside spec"),
        pytest.param(
            FLOW.replace("name: hello}", "name: Hello}"),
            "metadata.name: should be lower-case",
            id="upper case",
        ),
        pytest.param(
            FLOW.replace("metadata: {name: hello}", "metadata: {}"), "metadata.name: should be", id="no name"
        ),
        pytest.param(
            FLOW.replace("metadata: {name: hello}\n", ""), "metadata: should be an object", id="no metadata"
        ),
        pytest.param(header("Flow"), "spec: is required", id="a Flow without spec"),
        pytest.param(header("Run"), "spec: is required", id="a Run without spec"),
        pytest.param(header("Run") + "spec: {}\n", "spec.flow: is required", id="a Run without flow"),
        pytest.param(
            header("Run") + "spec: {flow: x, input: {}}\n",
            "spec.input: there is no such field",
            id="a Run's field",
        ),
        pytest.param(header("Run") + "spec: [1]\n", "spec: should be an object", id="spec is a list"),
        pytest.param(
            header("Trigger") + "spec: {flow: f, type: hourly}\n", "spec.type", id="a Trigger's type"
        ),
        pytest.param(
            header("Trigger") + "spec: {flow: f, type: schedule}\n",
            "spec.schedule: a Trigger of type schedule",
            id="no schedule",
        ),
        pytest.param(
            header("Trigger")
            + "spec: {flow: f, type: webhook, webhook: {key: k}, schedule: {cron: '@daily'}}\n",
            "spec.schedule: a Trigger of type schedule, and only that",
            id="one schedule too many",
        ),
        pytest.param(schedule("{cron: '* * *'}"), "should have five fields", id="fields of cron"),
        pytest.param(schedule("{cron: '61 * * * *'}"), "spec.schedule.cron", id="range of cron"),
        pytest.param(schedule("{cron: '0 0 30 2 *'}"), "spec.schedule.cron", id="a day that never comes"),
        pytest.param(schedule("{cron: '@noon'}"), "is none of @yearly", id="an alias"),
        pytest.param(
            schedule("{cron: '@daily', timeZone: Mars/Base}"),
            "spec.schedule.timeZone: 'Mars/Base' should be an IANA name",
            id="a time zone",
        ),
        pytest.param(
            header("Trigger")
            + "spec: {flow: f, type: webhook, webhook: {key: k}, inputs: {n: '{{ trigger.'}}\n",
            "spec.inputs.n",
            id="a template of inputs",
        ),
        pytest.param(
            header("Credential") + "spec: {}\n", "set either ciphertext", id="a Credential without value"
        ),
        pytest.param(
            header("Credential") + "spec: {secretRef: {name: s, key: k}, hosts: ['https://x']}\n",
            "spec.hosts[0]",
            id="a host",
        ),
    ],
)
def test_problems(text, expected):
    found = problems(text)
    assert any(expected in problem for problem in found), found


def test_many_documents_are_each_told_of():
    found, _ = documents.read(FLOW + "---\n" + header("Run") + "spec: {}\n")
    assert [(document.kind, document.name, len(document.problems)) for document in found] == [
        ("Flow", "hello", 0),
        ("Run", "x", 1),
    ]


class TestCommand:
    def invoke(self, *arguments, stdin=None):
        return CliRunner().invoke(app, ["validate", *arguments], input=stdin)

    def test_valid_is_exit_0(self, tmp_path):
        (tmp_path / "flow.yaml").write_text(FLOW)
        result = self.invoke(str(tmp_path / "flow.yaml"))
        assert (result.exit_code, result.stdout) == (0, f"{tmp_path}/flow.yaml: Flow hello is valid\n")

    def test_a_problem_is_exit_1_with_path_and_message(self):
        result = self.invoke("-", stdin="name: x\ntasks:\n- {name: a, type: nope}\n")
        assert result.exit_code == 1
        assert "-: Flow x\n  tasks[0].type: unknown task type nope" in result.stderr

    def test_one_bad_file_of_two_is_exit_1(self, tmp_path):
        (tmp_path / "good.yaml").write_text(FLOW)
        result = self.invoke(str(tmp_path / "good.yaml"), str(tmp_path / "missing.yaml"))
        assert result.exit_code == 1
        assert "is valid" in result.stdout
        assert "missing.yaml: No such file or directory" in result.stderr

    def test_json(self):
        result = self.invoke("-", "--json", stdin="name: x\ntasks:\n- {name: a, type: nope}\n")
        (report,) = json.loads(result.stdout)
        assert (report["kind"], report["name"]) == ("Flow", "x")
        assert report["problems"][0]["path"] == "tasks[0].type"

    def test_what_is_not_utf8(self, tmp_path):
        (tmp_path / "flow.yaml").write_bytes(b"\xff\xfe")
        result = self.invoke(str(tmp_path / "flow.yaml"))
        assert result.exit_code == 1
        assert "not UTF-8" in result.stderr
