"""What each program's account may do, as the API server's own authorizer says."""

from typing import Any

import pytest

from tailrace_kube import Client
from tailrace_kube.resources import SUBJECT_ACCESS_REVIEWS
from tests.integration.chart.conftest import SYSTEM

OPERATOR = f"system:serviceaccount:{SYSTEM}:tailrace-operator"
FACADE = f"system:serviceaccount:{SYSTEM}:tailrace-api"
TAILRACE = "tailrace.dev"
RBAC = "rbac.authorization.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
NETWORKING = "networking.k8s.io"


async def may(
    client: Client, user: str, verb: str, what: str, name: str = "", namespace: str = "default"
) -> bool:
    """`what` is `group/resource` or `group/resource/subresource`; the core group is empty."""
    group, resource, *rest = what.split("/", 2)
    attributes = {
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": rest[0] if rest else "",
        "name": name,
        "namespace": namespace,
    }
    user_and_groups = {"user": user, "groups": ["system:serviceaccounts", "system:authenticated"]}
    body: dict[str, Any] = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {**user_and_groups, "resourceAttributes": attributes},
    }
    return bool((await client.create(SUBJECT_ACCESS_REVIEWS, body))["status"]["allowed"])


@pytest.mark.parametrize(
    ("user", "verb", "what", "name"),
    [
        (OPERATOR, "patch", f"{TAILRACE}/runs/status", "r"),
        (OPERATOR, "create", f"{TAILRACE}/runs", ""),
        (OPERATOR, "create", "batch/jobs", ""),
        (OPERATOR, "create", f"{RBAC}/rolebindings", "tailrace-runner"),
        (OPERATOR, "bind", f"{RBAC}/clusterroles", "tailrace-runner"),
        (OPERATOR, "patch", "/namespaces", "production"),
        (FACADE, "watch", f"{TAILRACE}/runs", ""),
        (FACADE, "impersonate", "/serviceaccounts", "tailrace-editor"),
        (FACADE, "impersonate", f"{AUTHENTICATION}/userextras/tailrace.dev/key", ""),
        (FACADE, "create", f"{AUTHENTICATION}/tokenreviews", ""),
    ],
)
async def test_what_is_needed_is_granted(
    release: Any, client: Client, user: str, verb: str, what: str, name: str
) -> None:
    assert await may(client, user, verb, what, name)


@pytest.mark.parametrize(
    ("user", "verb", "what", "name"),
    [
        (OPERATOR, "get", "/secrets", "shop-token"),
        (OPERATOR, "list", "/secrets", ""),
        (OPERATOR, "create", "/pods", ""),
        (OPERATOR, "create", "/pods/exec", "p"),
        (OPERATOR, "update", f"{TAILRACE}/flows", "f"),
        (OPERATOR, "patch", f"{TAILRACE}/runs", "r"),
        (OPERATOR, "create", f"{RBAC}/rolebindings", "mine"),
        (OPERATOR, "create", f"{RBAC}/clusterrolebindings", "tailrace-runner"),
        (OPERATOR, "bind", f"{RBAC}/clusterroles", "cluster-admin"),
        (OPERATOR, "patch", "/namespaces", "kube-system"),
        (OPERATOR, "delete", "/namespaces", "production"),
        (OPERATOR, "patch", "/configmaps", "kube-root-ca.crt"),
        (OPERATOR, "patch", f"{NETWORKING}/networkpolicies", "deny-all"),
        (OPERATOR, "patch", "/serviceaccounts", "default"),
        (OPERATOR, "impersonate", "/users", "kubernetes-admin"),
        (OPERATOR, "create", "/serviceaccounts/token", "tailrace-admin"),
        (FACADE, "get", "/secrets", "shop-token"),
        (FACADE, "create", f"{TAILRACE}/runs", ""),
        (FACADE, "patch", f"{TAILRACE}/runs/status", "r"),
        (FACADE, "create", "batch/jobs", ""),
        (FACADE, "get", "/pods", "p"),
        (FACADE, "impersonate", "/serviceaccounts", "default"),
        (FACADE, "impersonate", "/serviceaccounts", "tailrace-operator"),
        (FACADE, "impersonate", "/users", "kubernetes-admin"),
        (FACADE, "impersonate", "/groups", "system:masters"),
        (FACADE, "impersonate", f"{AUTHENTICATION}/userextras/authentication.kubernetes.io/pod-uid", ""),
        (FACADE, "create", "/serviceaccounts/token", "tailrace-admin"),
    ],
)
async def test_what_is_not_needed_is_not_granted(
    release: Any, client: Client, user: str, verb: str, what: str, name: str
) -> None:
    assert not await may(client, user, verb, what, name)
