"""Namespaces as tenants: which are, and what the operator keeps in each of them."""

from pathlib import Path
from typing import Any

import structlog

from tailrace_crds.meta import COMPONENT_LABEL, MANAGED_BY_LABEL, RUNNER_SERVICE_ACCOUNT, TENANT_LABEL
from tailrace_kube import Client, Resource, errors
from tailrace_kube.resources import (
    CONFIGMAPS,
    NAMESPACES,
    NETWORK_POLICIES,
    ROLE_BINDINGS,
    SERVICE_ACCOUNTS,
)
from tailrace_operator.declared import Declared
from tailrace_operator.settings import Settings

Object = dict[str, Any]

ACCOUNTS = (
    RUNNER_SERVICE_ACCOUNT,
    "tailrace-viewer",
    "tailrace-executor",
    "tailrace-editor",
    "tailrace-admin",
)
CA_CONFIGMAP = "tailrace-ca"
MANAGER = "tailrace-operator"
REPEAT = 600.0
"""Seconds after which everything is applied again, in case someone has removed a part of it."""

log = structlog.get_logger(__name__)


class Tenants:
    """Knows the tenants, and keeps their accounts, bindings, policies and the internal API's CA."""

    def __init__(self, client: Client, declared: Declared, settings: Settings) -> None:
        self._client = client
        self._declared = declared
        self._settings = settings
        self._kept: set[str] = set()

    async def serves(self, namespace: str) -> bool:
        """Whether the namespace is a tenant's; when this returns, what a Run needs in it is there."""
        if namespace in self._kept and self._is_labelled(
            self._declared.get(NAMESPACES, (namespace, namespace))
        ):
            return True
        if self._is_ours_or_system(namespace):
            return False
        try:
            item = await self._client.get(NAMESPACES, namespace)
        except errors.NotFound:
            return False
        if not self._is_labelled(item):
            return False
        await self._keep(namespace)
        return True

    async def reconcile(self, namespace: str) -> float | None:
        """Label what is configured, keep what is labelled."""
        if self._is_ours_or_system(namespace):
            return None
        item = self._declared.get(NAMESPACES, (namespace, namespace))
        if namespace in self._settings.tenants and not self._is_labelled(item):
            return await self._make_tenant(namespace, item)
        if item is None or item["terminating"] or not self._is_labelled(item):
            self._kept.discard(namespace)
            return None
        await self._keep(namespace)
        return REPEAT

    def _is_ours_or_system(self, namespace: str) -> bool:
        return namespace == self._settings.namespace or namespace.startswith("kube-")

    @staticmethod
    def _is_labelled(item: Object | None) -> bool:
        labels = (item or {}).get("metadata", {}).get("labels") or {}
        return labels.get(TENANT_LABEL) == "true"

    async def _make_tenant(self, namespace: str, item: Object | None) -> float | None:
        labels = {TENANT_LABEL: "true"}
        if item is not None:
            await self._client.patch(NAMESPACES, namespace, {"metadata": {"labels": labels}})
            return None
        if not self._settings.create_tenants:
            log.warning("tenant's namespace does not exist", namespace=namespace)
            return REPEAT
        labels["pod-security.kubernetes.io/enforce"] = "restricted"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
        await self._client.create(NAMESPACES, body)
        return None

    async def _keep(self, namespace: str) -> None:
        for resource, body in objects(namespace, self._settings.internal_ca_file):
            await self._client.patch(
                resource,
                body["metadata"]["name"],
                body,
                namespace,
                kind="apply",
                field_manager=MANAGER,
                force=True,
            )
        if namespace not in self._kept:
            log.info("tenant is kept", namespace=namespace)
        self._kept.add(namespace)


def objects(namespace: str, ca_file: Path) -> list[tuple[Resource, Object]]:
    """Everything that the operator keeps in a tenant's namespace."""
    kept: list[tuple[Resource, Object]] = [
        (
            CONFIGMAPS,
            {**_head("v1", "ConfigMap", CA_CONFIGMAP, namespace), "data": {"ca.crt": ca_file.read_text()}},
        ),
        (NETWORK_POLICIES, _network_policy(namespace)),
    ]
    for account in ACCOUNTS:
        head = _head("v1", "ServiceAccount", account, namespace)
        kept.append((SERVICE_ACCOUNTS, {**head, "automountServiceAccountToken": False}))
        kept.append((ROLE_BINDINGS, _binding(account, namespace)))
    return kept


def _head(api_version: str, kind: str, name: str, namespace: str) -> Object:
    labels = {MANAGED_BY_LABEL: "tailrace"}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
    }


def _binding(account: str, namespace: str) -> Object:
    group = "rbac.authorization.k8s.io"
    return {
        **_head(f"{group}/v1", "RoleBinding", account, namespace),
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": account},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }


def _network_policy(namespace: str) -> Object:
    """No one calls a runner or a container task; whom they call is for the tenant to restrict."""
    return {
        **_head("networking.k8s.io/v1", "NetworkPolicy", RUNNER_SERVICE_ACCOUNT, namespace),
        "spec": {
            "podSelector": {
                "matchLabels": {MANAGED_BY_LABEL: "tailrace"},
                "matchExpressions": [
                    {"key": COMPONENT_LABEL, "operator": "In", "values": ["runner", "task"]}
                ],
            },
            "policyTypes": ["Ingress"],
            "ingress": [],
        },
    }
