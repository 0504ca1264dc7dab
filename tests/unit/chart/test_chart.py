"""What helm makes of the chart, for several sets of values."""

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster_tool import ROOT, cluster_tools

CHART = ROOT / "charts/tailrace"
POSTGRESQL = ("--set", "database.url=postgresql+asyncpg://u:p@db:5432/t")
EVERYTHING = (
    *POSTGRESQL,
    *("--set", "api.replicas=2,operator.replicas=2,serviceMonitor.enabled=true"),
    *("--set", f"image.digest=sha256:{'a' * 64},image.pullSecrets={{registry}}"),
    *("--set", "commonLabels.team=a,podLabels.pod=b,podAnnotations.note=c,api.priorityClassName=high"),
    *("--set-json", 'operator.tolerations=[{"key":"a","operator":"Exists"}]'),
    *("--set-json", 'operator.topologySpreadConstraints=[{"maxSkew":1,"topologyKey":"zone"}]'),
    *("--set-json", 'api.affinity={"nodeAffinity":{}}', "--set-json", 'api.nodeSelector={"disk":"ssd"}'),
    *("--set-json", 'api.extraEnv=[{"name":"A","value":"1"}]'),
    *("--set-json", 'networkPolicy.apiFrom=[{"namespaceSelector":{}}]'),
)
NOTHING = (
    *(
        "--set",
        "tenants=null,tenantsCreate=false,networkPolicy.enabled=false,podDisruptionBudget.enabled=false",
    ),
    *("--set", "cleanup.enabled=false,database.persistence.enabled=false"),
    *("--set", "encryptionKey.existingSecret=key,internalTLS.existingSecret=tls"),
)
SETS = [
    pytest.param((), id="defaults"),
    pytest.param(EVERYTHING, id="everything"),
    pytest.param(NOTHING, id="nothing"),
]


def helm(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Path(cluster_tools()) / "helm", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def template(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return helm("template", "tailrace", str(CHART), "--namespace", "tailrace-system", *arguments)


@cache
def rendered(*arguments: str) -> list[dict[str, Any]]:
    done = template(*arguments)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def find(kind: str, name: str, *arguments: str) -> dict[str, Any]:
    objects = rendered(*arguments)
    [found] = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def pods(*arguments: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in rendered(*arguments):
        name = f"{item['kind']}/{item['metadata']['name']}"
        if item["kind"] == "Pod":
            yield name, item["spec"]
        elif item["kind"] in {"Deployment", "Job"}:
            yield name, item["spec"]["template"]["spec"]


def test_helm_finds_nothing_to_object_to() -> None:
    done = helm("lint", "--strict", str(CHART), "--namespace", "tailrace-system")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize("values", SETS)
def test_every_object_is_named_once_and_labelled(values: tuple[str, ...]) -> None:
    seen = set()
    for item in rendered(*values):
        metadata = item["metadata"]
        assert metadata["labels"]["app.kubernetes.io/part-of"] == "tailrace", metadata
        identity = (item["kind"], metadata.get("namespace"), metadata["name"])
        assert identity not in seen
        seen.add(identity)


@pytest.mark.parametrize("values", SETS)
def test_every_pod_is_restricted(values: tuple[str, ...]) -> None:
    found = dict(pods(*values))
    assert {"Deployment/tailrace-operator", "Deployment/tailrace-api", "Pod/tailrace-test"} <= set(found)
    for name, pod in found.items():
        security = pod["securityContext"]
        assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 65532), name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["limits"]["memory"], name


def test_the_programs_have_all_three_probes() -> None:
    for name in ("tailrace-operator", "tailrace-api"):
        [container] = find("Deployment", name)["spec"]["template"]["spec"]["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


def test_services_select_the_pods_and_name_their_ports() -> None:
    for service, deployment in (
        ("tailrace", "tailrace-api"),
        ("tailrace-internal", "tailrace-api"),
        ("tailrace-operator", "tailrace-operator"),
    ):
        spec = find("Service", service)["spec"]
        pod = find("Deployment", deployment)["spec"]["template"]
        assert spec["selector"].items() <= pod["metadata"]["labels"].items()
        names = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in spec["ports"]} <= names


def test_a_digest_takes_the_tags_place() -> None:
    images = {container["image"] for _, pod in pods(*EVERYTHING) for container in pod["containers"]}
    assert images == {f"tailrace@sha256:{'a' * 64}"}


def test_sqlite_has_one_writer_and_a_volume() -> None:
    deployment = find("Deployment", "tailrace-api")["spec"]
    assert deployment["strategy"] == {"type": "Recreate"}
    volumes = {volume["name"]: volume for volume in deployment["template"]["spec"]["volumes"]}
    assert volumes["database"]["persistentVolumeClaim"] == {"claimName": "tailrace-database"}
    claim = find("PersistentVolumeClaim", "tailrace-database")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_postgresql_is_rolled_and_its_url_is_a_secret() -> None:
    deployment = find("Deployment", "tailrace-api", *POSTGRESQL)["spec"]
    assert deployment["strategy"] == {"type": "RollingUpdate"}
    pod = deployment["template"]["spec"]
    assert "database" not in {volume["name"] for volume in pod["volumes"]}
    [url] = [item for item in pod["containers"][0]["env"] if item["name"] == "TAILRACE_DATABASE_URL"]
    assert url["valueFrom"]["secretKeyRef"] == {"name": "tailrace-database", "key": "url"}
    assert "PersistentVolumeClaim" not in {item["kind"] for item in rendered(*POSTGRESQL)}


def test_a_secret_of_ones_own_may_hold_the_database_url() -> None:
    values = ("--set", "database.existingSecret.name=pg,database.existingSecret.key=dsn")
    pod = find("Deployment", "tailrace-api", *values)["spec"]["template"]["spec"]
    [url] = [item for item in pod["containers"][0]["env"] if item["name"] == "TAILRACE_DATABASE_URL"]
    assert url["valueFrom"]["secretKeyRef"] == {"name": "pg", "key": "dsn"}
    assert "tailrace-database" not in {item["metadata"]["name"] for item in rendered(*values)}


def test_the_definitions_and_the_key_survive_an_uninstall() -> None:
    kept = {
        item["metadata"]["name"]
        for item in rendered()
        if item["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    definitions = {f"{kind}.tailrace.dev" for kind in ("flows", "runs", "triggers", "credentials")}
    assert kept == definitions | {"tailrace-encryption-key", "tailrace-database"}


def test_no_account_may_do_everything() -> None:
    for values in ((), EVERYTHING):
        for item in rendered(*values):
            for rule in item.get("rules") or []:
                assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}, item["metadata"]
                assert not ({"secrets", "pods/exec"} & set(rule["resources"])), item["metadata"]
                if {"impersonate", "bind"} & set(rule["verbs"]) and "userextras" not in rule["resources"][0]:
                    assert rule["resourceNames"], item["metadata"]


def test_the_runners_role_is_what_the_design_grants() -> None:
    assert find("ClusterRole", "tailrace-runner")["rules"] == [
        {"apiGroups": ["tailrace.dev"], "resources": ["runs"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["tailrace.dev"], "resources": ["runs/status"], "verbs": ["patch"]},
    ]


def test_the_policies_refuse_where_they_cannot_decide() -> None:
    policies = [item for item in rendered() if item["kind"] == "ValidatingAdmissionPolicy"]
    assert {item["metadata"]["name"] for item in policies} == {
        "tailrace-by",
        "tailrace-run-claim",
        "tailrace-run-spec",
    }
    assert {item["spec"]["failurePolicy"] for item in policies} == {"Fail"}
    bindings = [item["spec"] for item in rendered() if item["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert {binding["policyName"] for binding in bindings} == {item["metadata"]["name"] for item in policies}
    assert all(binding["validationActions"] == ["Deny"] for binding in bindings)


WRONG = [
    pytest.param("colour=red", "colour", id="an unknown setting"),
    pytest.param("api.colour=red", "colour", id="an unknown setting further down"),
    pytest.param("tenants={kube-system}", "/tenants/0", id="a tenant of Kubernetes' own"),
    pytest.param("tenants={tailrace-system}", "namespace of Tailrace itself", id="our own namespace"),
    pytest.param("tenants={Not_A_Name}", "/tenants/0", id="a tenant's name that is none"),
    pytest.param("image.digest=latest", "/image/digest", id="a digest that is none"),
    pytest.param("api.replicas=2", "needs PostgreSQL", id="two facades on SQLite"),
    pytest.param("database.url=mysql://db", "/database/url", id="a database that is not served"),
    pytest.param(
        "database.url=postgresql://db,database.existingSecret.name=pg", "not both", id="two database URLs"
    ),
    pytest.param("operator.logLevel=loud", "/operator/logLevel", id="an unknown level"),
    pytest.param("database.persistence.size=big", "/database/persistence/size", id="a size that is none"),
]


@pytest.mark.parametrize(("values", "says"), WRONG)
def test_wrong_values_are_refused_by_name(values: str, says: str) -> None:
    done = template("--set", values)
    assert done.returncode != 0
    assert says in done.stderr


def test_the_schema_knows_every_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def compare(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
        known = set(schema["properties"]) - {"global"}
        assert set(values) == known, path
        for name, value in values.items():
            inner = schema["properties"][name]
            if isinstance(value, dict) and "properties" in inner:
                compare(value, inner, f"{path}.{name}")

    compare(values, schema, "")
