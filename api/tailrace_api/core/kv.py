"""Key-value entries of the tenants' namespaces."""

from typing import Any

from tailrace_api.core.clock import Clock
from tailrace_api.core.errors import NotFound, invalid_field
from tailrace_api.core.tenants import Tenants
from tailrace_api.store.kv import KeyValues, KvEntry

MAX_KEY = 253
PAGE = 1000


class Kv:
    """Sets and reads values that outlive a Run."""

    def __init__(self, entries: KeyValues, tenants: Tenants, clock: Clock) -> None:
        self._entries = entries
        self._tenants = tenants
        self._clock = clock

    async def put(self, namespace: str, key: str, value: Any) -> KvEntry:
        """Set a value."""
        self._check(namespace, key)
        entry = KvEntry(namespace, key, value, self._clock())
        await self._entries.put(entry)
        return entry

    async def get(self, namespace: str, key: str) -> KvEntry:
        """One entry; NotFound."""
        self._check(namespace, key)
        entry = await self._entries.get(namespace, key)
        if entry is None:
            raise self._not_found(key)
        return entry

    async def keys(self, namespace: str, after: str = "", limit: int = PAGE) -> list[str]:
        """Keys in ascending order, those after `after`."""
        self._tenants.check(namespace)
        return await self._entries.keys(namespace, after.replace("\0", ""), limit)

    async def delete(self, namespace: str, key: str) -> None:
        """Remove an entry; NotFound."""
        self._check(namespace, key)
        if not await self._entries.delete(namespace, key):
            raise self._not_found(key)

    def _check(self, namespace: str, key: str) -> None:
        self._tenants.check(namespace)
        if not key or len(key) > MAX_KEY or not key.isprintable():
            raise invalid_field("key", f"must be 1 to {MAX_KEY} printable characters")

    def _not_found(self, key: str) -> NotFound:
        return NotFound("key_not_found", f"there is no key {key!r} in this namespace")
