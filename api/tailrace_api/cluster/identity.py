"""As whom the facade writes: one of a tenant's own service accounts, with the caller's name beside it."""

from dataclasses import dataclass
from typing import Literal

from tailrace_kube.client import Impersonation

Role = Literal["viewer", "executor", "editor", "admin"]
KEY_EXTRA = "tailrace.dev/key"


@dataclass(frozen=True)
class Caller:
    """Who calls: a name for the audit log, and the role whose rights the call has."""

    name: str
    role: Role

    def within(self, namespace: str) -> Impersonation:
        """The account of this role in a tenant's namespace.

        No groups are named: the API server adds those of a service account itself, and so the facade needs no
        right to impersonate a group.
        """
        return Impersonation(
            user=f"system:serviceaccount:{namespace}:tailrace-{self.role}", extra={KEY_EXTRA: (self.name,)}
        )
