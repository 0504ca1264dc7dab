"""A cache of one kind: what the watch has told, and what our own writes were answered.

A caller that has just written must find what it wrote. So the answer of the API server goes into the cache at
once; the watch confirms it later. The newer resourceVersion wins, and a deleted object does not come back.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from tailrace_crds.meta import ID_LABEL
from tailrace_kube.client import Client
from tailrace_kube.informer import Informer
from tailrace_kube.resources import Resource

Object = dict[str, Any]
Listener = Callable[[Object | None, Object | None], None]

GRACE_SECONDS = 60.0
"""After so long the watch has confirmed a write, or the object is gone."""


def identifier(item: Object) -> str:
    """The id that REST shows: the resource's UID, or the label that a restored backup carries."""
    metadata = item["metadata"]
    labels = metadata.get("labels") or {}
    return str(labels.get(ID_LABEL) or metadata["uid"])


class Cache:
    """All objects of a kind, by name and by id."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        project: Callable[[Object], Object],
        *,
        label_selector: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.resource = resource
        self.listeners: list[Listener] = []
        self._project = project
        self._clock = clock
        self._items: dict[tuple[str, str], Object] = {}
        self._uids: dict[str, tuple[str, str]] = {}
        self._labelled: dict[str, tuple[str, str]] = {}
        self._unconfirmed: dict[tuple[str, str], float] = {}
        self._deleted: dict[str, float] = {}
        self._informer = Informer(
            client, resource, project=project, label_selector=label_selector, on_change=self._on_change
        )

    @property
    def synced(self) -> asyncio.Event:
        """Set once everything that exists has been listed."""
        return self._informer.synced

    @property
    def age(self) -> float:
        """Seconds since the API server was last heard of."""
        return self._informer.seconds_since_contact

    async def run(self) -> None:
        """Follow the API server until cancelled."""
        await self._informer.run()

    def get(self, namespace: str, name: str) -> Object | None:
        """One object, or None; not to be changed."""
        self._expire()
        return self._items.get((namespace, name))

    def by_uid(self, uid: str) -> Object | None:
        """The object with this UID, or None."""
        self._expire()
        key = self._uids.get(uid)
        return self._items.get(key) if key is not None else None

    def by_id(self, value: str) -> Object | None:
        """The object with this id, or None. A label cannot take over the UID of another resource."""
        found = self.by_uid(value)
        if found is not None or value not in self._labelled:
            return found
        return self._items.get(self._labelled[value])

    def items(self) -> Iterable[Object]:
        """All objects; not to be changed."""
        self._expire()
        return self._items.values()

    def observe(self, item: Object) -> None:
        """Take in what the API server answered to a write of ours, or to a fresh read."""
        if item["metadata"]["uid"] in self._deleted:
            return
        projected = self._project(_copy(item))
        if self._store(projected):
            self._unconfirmed[_key(projected)] = self._clock() + GRACE_SECONDS

    def forget(self, item: Object) -> None:
        """An object that we deleted: gone for whoever reads next."""
        self._remove(item)

    def _on_change(self, _kind: str, old: Object | None, new: Object | None) -> None:
        if new is None:
            if old is not None:
                self._remove(old)
            return
        self._unconfirmed.pop(_key(new), None)
        if new["metadata"]["uid"] not in self._deleted:
            self._store(new)

    def _store(self, item: Object) -> bool:
        key = _key(item)
        old = self._items.get(key)
        if (
            old is not None
            and old["metadata"]["uid"] == item["metadata"]["uid"]
            and _version(old) >= _version(item)
        ):
            return False
        if old is not None:
            self._unindex(old, key)
        self._items[key] = item
        self._uids[item["metadata"]["uid"]] = key
        self._labelled.setdefault(identifier(item), key)
        self._tell(old, item)
        return True

    def _unindex(self, item: Object, key: tuple[str, str]) -> None:
        self._uids.pop(item["metadata"]["uid"], None)
        if self._labelled.get(identifier(item)) == key:
            del self._labelled[identifier(item)]

    def _remove(self, item: Object) -> None:
        self._deleted[item["metadata"]["uid"]] = self._clock() + GRACE_SECONDS
        key = _key(item)
        current = self._items.get(key)
        if current is None or current["metadata"]["uid"] != item["metadata"]["uid"]:
            return
        del self._items[key]
        self._unindex(current, key)
        self._unconfirmed.pop(key, None)
        self._tell(current, None)

    def _expire(self) -> None:
        """Drop writes that the watch never confirmed: those objects came and went while it was away."""
        now = self._clock()
        for key in [key for key, until in self._unconfirmed.items() if until <= now]:
            del self._unconfirmed[key]
            item = self._items.get(key)
            if item is not None and self._informer.get(*key) is None:
                self._remove(item)
        for uid in [uid for uid, until in self._deleted.items() if until <= now]:
            del self._deleted[uid]

    def _tell(self, old: Object | None, new: Object | None) -> None:
        for listener in self.listeners:
            listener(old, new)


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"].get("namespace") or "", item["metadata"]["name"]


def _version(item: Object) -> int:
    """Resource versions of one kind grow; Kubernetes promises it since 1.35, and etcd has always kept it."""
    return int(item["metadata"]["resourceVersion"])


def _copy(item: Object) -> Object:
    """Enough of a copy for a projection to work on: it replaces fields of metadata and the top level only."""
    return {**item, "metadata": dict(item["metadata"])}
