import json
import subprocess
import sys

import pytest

from tailrace_crds.language import schemas, validation
from tailrace_plugins import catalogue
from tailrace_plugins.base import Plugin

PURE = {"json.query", "util.fail", "util.log", "util.set", "util.sleep"}


def test_the_first_task_types_are_there():
    assert catalogue.ids() == sorted(catalogue.BUILTIN)
    assert catalogue.categories() == {"container": 1, "http": 1, "json": 1, "kv": 2, "script": 1, "util": 4}


def test_an_unknown_type_names_the_nearest():
    with pytest.raises(
        catalogue.UnknownPlugin, match=r"unknown task type http.requst; did you mean http.request\?"
    ):
        catalogue.get("http.requst")
    assert catalogue.manifest("http.requst") is None


@pytest.mark.parametrize("id_", catalogue.ids())
def test_a_plugin_is_complete(id_):
    plugin = catalogue.get(id_)
    manifest = catalogue.manifest(id_)
    assert issubclass(plugin, Plugin)
    assert (manifest.id, manifest.category) == (id_, id_.partition(".")[0])
    assert manifest.pure is (id_ in PURE)
    wire = json.loads(manifest.model_dump_json(by_alias=True))
    assert {"id", "name", "category", "description", "inputSchema", "outputSchema", "pure"} <= wire.keys()
    for schema in (wire["inputSchema"], wire["outputSchema"]):
        assert schema["type"] == "object"
        schemas.validator(json.dumps(schema))
        for name, part in schema.get("properties", {}).items():
            assert "description" in part, f"{id_}: {name} has no description"
    named = {*manifest.credential_properties, *manifest.literal_properties, *manifest.verbatim_properties}
    assert named <= wire["inputSchema"]["properties"].keys()


@pytest.mark.parametrize("id_", catalogue.ids())
def test_an_example_is_a_valid_task(id_):
    task = {"name": "example", "type": id_, "properties": catalogue.get(id_).example}
    assert validation.validate({"tasks": [task]}, catalogue) == []


PROGRAM = """
import sys
from tailrace_plugins import catalogue
catalogue.ids()
before = sorted(name for name in sys.modules if name.startswith("tailrace_plugins."))
catalogue.get({id!r})
after = sorted(name for name in sys.modules if name.startswith("tailrace_plugins."))
print(before)
print([name for name in after if name not in before])
print([name for name in ("httpx2", "jmespath", "anyio", "ssl") if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("id_", "modules"),
    [
        ("util.log", ["tailrace_plugins.util", "tailrace_plugins.util.log"]),
        ("json.query", ["tailrace_plugins.json", "tailrace_plugins.json.query"]),
        (
            "http.request",
            [
                "tailrace_plugins.http",
                "tailrace_plugins.http.outgoing",
                "tailrace_plugins.http.request",
                "tailrace_plugins.http.responses",
                "tailrace_plugins.network",
            ],
        ),
    ],
)
def test_asking_for_one_plugin_loads_that_one_and_no_library(id_, modules):
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(id=id_)], capture_output=True, text=True, check=True
    )
    before, loaded, libraries = ended.stdout.splitlines()
    assert before == str(["tailrace_plugins.base", "tailrace_plugins.catalogue"])
    assert loaded == str(modules)
    assert libraries == "[]" or id_ == "http.request"


def test_another_distribution_adds_its_own_and_takes_no_built_in_id(tmp_path):
    (tmp_path / "acme_tasks.py").write_text(
        "from pydantic import BaseModel\n"
        "from tailrace_plugins.base import Plugin\n"
        "class Nothing(BaseModel): pass\n"
        "class Ping(Plugin[Nothing, Nothing]):\n"
        "    id, name, category = 'acme.ping', 'Ping', 'acme'\n"
        "    description, example = 'Pings.', {}\n"
        "    async def run(self, inputs, context): return Nothing()\n"
        "PING = 'acme_tasks:Ping'\n"
        "def plugins(): return {'acme.ping': PING, 'util.log': PING}\n"
    )
    metadata = tmp_path / "acme_tasks-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tasks\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        "[tailrace.plugins]\nacme = acme_tasks:plugins\nbroken = no_such_module:x\n"
    )
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tailrace_plugins import catalogue\n"
        "print(catalogue.get('acme.ping').id, catalogue.get('util.log').id)\n"
        "print(catalogue.manifest('acme.ping').name)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["acme.ping", "util.log", "Ping"]
