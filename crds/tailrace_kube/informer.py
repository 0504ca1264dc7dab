"""A cache of one kind that follows the API server: list in pages, watch, list again when lost."""

import asyncio
import random
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import structlog

from tailrace_kube import errors
from tailrace_kube.client import INACTIVITY, Client, Object
from tailrace_kube.resources import Resource

Key = tuple[str, str]
"""Namespace (empty where the kind has none) and name."""

Change = Callable[[str, Object | None, Object | None], None]
"""Called with `"ADDED" | "MODIFIED" | "DELETED"`, the object before and the object after."""

WATCH_SECONDS = 290
LONGEST_PAUSE = 3.0
FAILURES_BEFORE_RELIST = 5

log = structlog.get_logger(__name__)


def strip_managed_fields(item: Object) -> Object:
    """The whole object but for `metadata.managedFields`, which only server-side apply reads."""
    item["metadata"].pop("managedFields", None)
    return item


class Informer:
    """Keeps what `project` leaves of every object: at least metadata's namespace, name, resourceVersion."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        project: Callable[[Object], Object] = strip_managed_fields,
        on_change: Change | None = None,
        indexes: Mapping[str, Callable[[Object], Iterable[Hashable]]] | None = None,
        inactivity: float = INACTIVITY,
    ) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self._client = client
        self._scope: dict[str, Any] = {
            "namespace": namespace,
            "label_selector": label_selector,
            "field_selector": field_selector,
        }
        self._project = project
        self._on_change = on_change
        self._functions = dict(indexes or {})
        self._indexes: dict[str, dict[Hashable, dict[Key, Object]]] = {name: {} for name in self._functions}
        self._items: dict[Key, Object] = {}
        self._inactivity = inactivity
        self._contact = time.monotonic()
        self._version: str | None = None

    def __len__(self) -> int:
        """How many objects are known."""
        return len(self._items)

    @property
    def seconds_since_contact(self) -> float:
        """How long ago the API server was last heard of, in seconds; a bookmark comes every minute."""
        return time.monotonic() - self._contact

    def get(self, namespace: str | None, name: str) -> Object | None:
        """One object as last seen, or None. It is the cache's own: do not change it."""
        return self._items.get((namespace or "", name))

    def items(self) -> Iterable[Object]:
        """All objects as last seen."""
        return self._items.values()

    def by_index(self, index: str, value: Hashable) -> list[Object]:
        """The objects for which the index's function gives this value."""
        return list(self._indexes[index].get(value, {}).values())

    async def run(self) -> None:
        """Follow the API server until cancelled; no failure of the server's ends it."""
        failures = 0
        failed_at = 0.0
        while True:
            try:
                if self._version is None:
                    await self._relist()
                await self._follow(self._version or "")
                failures, pause = 0, 0.0
            except errors.Gone:
                self._version, pause = None, 0.1
            except errors.KubeError as error:
                failures = failures + 1 if self._contact < failed_at else 1
                failed_at = time.monotonic()
                pause = min(0.05 * 2.0**failures, LONGEST_PAUSE)
                if failures >= FAILURES_BEFORE_RELIST:
                    self._version = None
                log.warning("watch lost", resource=self.resource.plural, error=error.message, again_in=pause)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - no secret hangs on a pause

    async def _relist(self) -> None:
        """Bring the cache to what is stored now, and tell of every difference."""
        seen: set[Key] = set()
        version = ""
        async for page in self._client.pages(self.resource, **self._scope):
            self._contact = time.monotonic()
            version = page["metadata"]["resourceVersion"]
            for item in page["items"]:
                seen.add(_key(item))
                self._store(self._project(item))
        for key in [key for key in self._items if key not in seen]:
            self._remove(key)
        self._version = version
        self.synced.set()

    async def _follow(self, version: str) -> None:
        """Watch until the server ends it, remembering the version to go on from."""
        events = self._client.watch(
            self.resource,
            resource_version=version,
            timeout=WATCH_SECONDS,
            inactivity=self._inactivity,
            **self._scope,
        )
        async for kind, item in events:
            self._contact = time.monotonic()
            if kind == "DELETED":
                self._remove(_key(item), self._project(item))
            elif kind != "BOOKMARK":
                self._store(self._project(item))
            self._version = item["metadata"]["resourceVersion"]
        self._contact = time.monotonic()

    def _store(self, item: Object) -> None:
        key = _key(item)
        old = self._items.get(key)
        if old is not None and old["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]:
            return
        if old is not None:
            self._unindex(key, old)
        self._items[key] = item
        for name, function in self._functions.items():
            for value in function(item):
                self._indexes[name].setdefault(value, {})[key] = item
        self._tell("MODIFIED" if old is not None else "ADDED", old, item)

    def _remove(self, key: Key, last: Object | None = None) -> None:
        old = self._items.pop(key, None)
        if old is None:
            return
        self._unindex(key, old)
        self._tell("DELETED", last or old, None)

    def _unindex(self, key: Key, old: Object) -> None:
        for name, function in self._functions.items():
            for value in function(old):
                bucket = self._indexes[name].get(value, {})
                bucket.pop(key, None)
                if not bucket:
                    self._indexes[name].pop(value, None)

    def _tell(self, kind: str, old: Object | None, new: Object | None) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change(kind, old, new)
        except Exception:
            # A listener's fault must not end the watch that everything else lives on.
            log.exception("change not handled", resource=self.resource.plural, change=kind)


def _key(item: Object) -> Key:
    metadata = item["metadata"]
    return metadata.get("namespace") or "", metadata["name"]
