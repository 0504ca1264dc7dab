"""What an upgrade and an uninstall leave as it was."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509

from tests.integration.chart.conftest import SYSTEM, Release


def secret(release: Release, name: str) -> dict[str, str]:
    data: dict[str, str] = release.kubectl.json("get", "secret", name, "-n", SYSTEM)["data"]
    return data


def test_the_certificate_is_for_the_internal_service(release: Release) -> None:
    data = {key: base64.b64decode(value) for key, value in secret(release, "tailrace-internal-tls").items()}
    certificate = x509.load_pem_x509_certificate(data["tls.crt"])
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(data["ca.crt"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert f"tailrace-internal.{SYSTEM}.svc" in names.get_values_for_type(x509.DNSName)


def test_an_upgrade_keeps_the_keys(release: Release) -> None:
    names = ("tailrace-encryption-key", "tailrace-internal-tls")
    before = {name: secret(release, name) for name in names}
    assert len(base64.b64decode(base64.b64decode(next(iter(before[names[0]].values()))))) == 32
    release.install("--set", "operator.logLevel=debug")
    assert {name: secret(release, name) for name in names} == before


def test_a_key_that_was_added_survives_an_upgrade(release: Release) -> None:
    patch = '{"data": {"k2": "c2Vjb25k"}}'
    release.kubectl("patch", "secret", "tailrace-encryption-key", "-n", SYSTEM, "--type=merge", "-p", patch)
    release.install()
    assert secret(release, "tailrace-encryption-key")["k2"] == "c2Vjb25k"


@pytest.fixture
def installed_again(release: Release) -> Iterator[None]:
    """The other tests find the release as it was, however this one ends."""
    yield
    release.install()


@pytest.mark.usefixtures("installed_again")
def test_uninstalled_it_leaves_what_people_must_decide_about(release: Release) -> None:
    flow: dict[str, Any] = {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Flow",
        "metadata": {"name": "kept"},
        "spec": {},
    }
    release.kubectl.apply(flow)
    key = secret(release, "tailrace-encryption-key")
    release.uninstall()

    kinds = "secrets,serviceaccounts,services,deployments,networkpolicies,poddisruptionbudgets,roles,pvc"
    left = release.kubectl.json("get", kinds, "-n", SYSTEM)["items"]
    assert {item["metadata"]["name"] for item in left} - {"default"} == {
        "tailrace-encryption-key",
        "tailrace-database",
    }
    kinds = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
    assert "tailrace" not in release.kubectl("get", kinds, "-o", "name")
    assert release.kubectl.json("get", "flow", "kept")["metadata"]["name"] == "kept"

    release.install()
    assert secret(release, "tailrace-encryption-key") == key
