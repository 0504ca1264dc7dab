"""The annotation tailrace.dev/by: who it was, and nobody else."""

import uuid
from typing import Any

import pytest

from tailrace_kube import Client, Impersonation
from tailrace_kube.errors import Forbidden
from tailrace_kube.resources import FLOWS, RUNS
from tests.integration.chart.conftest import account

ADMINISTRATOR = "kubernetes-admin"


@pytest.fixture(scope="module", autouse=True)
def bound(release: Any) -> None:
    """What the operator does in a tenant's namespace; a person beside it, and another tenant's account."""
    accounts = ["default:tailrace-editor", "kube-public:tailrace-editor", "default:someone"]
    for number, subject in enumerate(accounts):
        release.kubectl(
            "create", "rolebinding", f"editor-{number}", "--clusterrole=tailrace-editor",
            f"--serviceaccount={subject}",
        )  # fmt: skip


def run(by: str | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": f"by-{uuid.uuid4().hex[:8]}"}
    if by is not None:
        metadata["annotations"] = {"tailrace.dev/by": by}
    return {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Run",
        "metadata": metadata,
        "spec": {"flow": "f"},
    }


EDITOR = "system:serviceaccount:default:tailrace-editor"
FACADE = account("tailrace-editor", key="ann")
TRUE = [
    pytest.param(None, ADMINISTRATOR, id="the user"),
    pytest.param(None, None, id="nobody"),
    pytest.param(FACADE, "ann", id="the person whom the facade acts for"),
    pytest.param(account("tailrace-editor"), EDITOR, id="the role account itself"),
    pytest.param(account("someone"), "system:serviceaccount:default:someone", id="another account"),
]
FALSE = [
    pytest.param(None, "ann", id="another person"),
    pytest.param(FACADE, "bob", id="another person than the facade's"),
    pytest.param(FACADE, EDITOR, id="the account in place of the person"),
    pytest.param(account("someone", key="ann"), "ann", id="a person named by no role account"),
    pytest.param(
        account("tailrace-editor", "kube-public", key="ann"), "ann", id="a role account of another namespace"
    ),
]


@pytest.mark.parametrize(("who", "by"), TRUE)
async def test_what_is_true_is_accepted(client: Client, who: Impersonation | None, by: str | None) -> None:
    stored = await client.create(RUNS, run(by), "default", impersonate=who)
    assert stored["metadata"].get("annotations", {}).get("tailrace.dev/by") == by


@pytest.mark.parametrize(("who", "by"), FALSE)
async def test_what_is_not_true_is_refused(client: Client, who: Impersonation | None, by: str) -> None:
    with pytest.raises(Forbidden, match="by can only be set to"):
        await client.create(RUNS, run(by), "default", impersonate=who)


async def test_another_may_change_the_rest_but_not_who_it_was(client: Client) -> None:
    name = f"by-{uuid.uuid4().hex[:8]}"
    body = run("ann") | {"kind": "Flow", "spec": {}}
    body["metadata"]["name"] = name
    await client.create(FLOWS, body, "default", impersonate=FACADE)
    changed = await client.patch(FLOWS, name, {"spec": {"title": "new"}}, "default")
    assert changed["metadata"]["annotations"]["tailrace.dev/by"] == "ann"
    forged = {"metadata": {"annotations": {"tailrace.dev/by": "bob"}}}
    with pytest.raises(Forbidden, match=f"can only be set to {ADMINISTRATOR}"):
        await client.patch(FLOWS, name, forged, "default")
