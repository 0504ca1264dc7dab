"""Credentials: whether their value can be read, and whether they are bound to hosts."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tailrace_crds import conditions
from tailrace_crds.meta import TENANT_LABEL, Condition
from tailrace_kube import Client, errors
from tailrace_kube.resources import CREDENTIALS
from tailrace_operator.declared import Declared, Key
from tailrace_operator.handlers import status
from tailrace_operator.handlers.tenant import Tenants
from tailrace_operator.internal import InternalAPI
from tailrace_operator.logic import times

Object = dict[str, Any]

REPEAT = 600.0
UNREADABLE_REPEAT = 30.0
"""Seconds: what a Secret or a right lacks may be given without a change of the Credential."""


class CredentialReconciler:
    """Keeps Ready and Unbound of Credentials. The value itself is never seen here."""

    def __init__(
        self,
        client: Client,
        declared: Declared,
        tenants: Tenants,
        internal: InternalAPI,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._declared = declared
        self._tenants = tenants
        self._internal = internal
        self._clock = clock

    async def reconcile(self, key: Key) -> float | None:
        """Ask the internal API and write what it says; InternalError where it is away: the status stays."""
        credential = self._declared.get(CREDENTIALS, key)
        if credential is None:
            return None
        ready, again = await self._ready(key, credential)
        found = [ready]
        if not credential["hosts"]:
            found.append(conditions.unbound(ready.last_transition_time, ready.observed_generation))
        wanted = status.with_conditions(credential["status"], found, ready.observed_generation)
        try:
            await status.write(self._client, CREDENTIALS, credential, wanted)
        except errors.Conflict:
            return 0.5
        return again

    async def _ready(self, key: Key, credential: Object) -> tuple[Condition, float | None]:
        generation = credential["metadata"].get("generation")
        if not await self._tenants.serves(key[0]):
            now = times.text(self._clock())
            return conditions.not_a_tenant(now, generation, key[0], TENANT_LABEL), None
        readable, message = await self._internal.check_credential(*key)
        now = times.text(self._clock())
        if readable:
            return conditions.ready(now, generation), REPEAT
        return conditions.secret_unreadable(now, generation, message), UNREADABLE_REPEAT
