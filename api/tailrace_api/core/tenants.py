"""Which namespaces there are for callers: the labelled ones, never Kubernetes' own or ours."""

from tailrace_api.cluster.cache import Cache
from tailrace_api.core.errors import Forbidden
from tailrace_crds.meta import TENANT_LABEL


class Tenants:
    """Says whether a namespace is a tenant's."""

    def __init__(self, namespaces: Cache, own: str) -> None:
        self._namespaces = namespaces
        self._own = own

    def names(self) -> frozenset[str]:
        """All tenants' namespaces."""
        found = (item["metadata"] for item in self._namespaces.items())
        return frozenset(
            metadata["name"]
            for metadata in found
            if not self._reserved(metadata["name"]) and not metadata.get("deletionTimestamp")
        )

    def has(self, namespace: str) -> bool:
        """Whether it is a tenant's; as `check`, without a reason."""
        return not self._reserved(namespace) and self._namespaces.get("", namespace) is not None

    def check(self, namespace: str) -> None:
        """Forbidden, with what to do, where a namespace is not a tenant's."""
        if self._reserved(namespace):
            message = f"namespace {namespace} is reserved: Tailrace never works in it"
            raise Forbidden("namespace_forbidden", message)
        if self._namespaces.get("", namespace) is None:
            message = (
                f"namespace {namespace} is not a tenant of Tailrace: "
                f"kubectl label namespace {namespace} {TENANT_LABEL}=true"
            )
            raise Forbidden("namespace_forbidden", message)

    def _reserved(self, namespace: str) -> bool:
        return namespace.startswith("kube-") or namespace == self._own
