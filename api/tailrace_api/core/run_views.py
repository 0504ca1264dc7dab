"""Runs as callers see them: those that are resources and those in the archive, as one list."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from typing import Any

from tailrace_api.cluster.cache import Cache, identifier
from tailrace_api.core.clock import parse
from tailrace_api.core.errors import NotFound, from_kube
from tailrace_api.core.tenants import Tenants
from tailrace_api.store.runs import Archive
from tailrace_kube.client import Client
from tailrace_kube.errors import KubeError, Unavailable
from tailrace_kube.errors import NotFound as Gone
from tailrace_kube.resources import RUNS

Object = dict[str, Any]
Position = tuple[datetime, str]
"""When a Run was created, and its UID: what the list is sorted by, and a cursor points at."""


@dataclass(frozen=True)
class RunView:
    """A Run and the id of its flow; None where that flow is gone. `archived`: it cannot change any more."""

    item: Object
    flow_id: str | None
    archived: bool = False


@dataclass(frozen=True)
class RunQuery:
    """Which Runs, newest first: those after a position, at most so many."""

    limit: int
    before: Position | None = None
    namespace: str | None = None
    flow_id: str | None = None
    phases: Collection[str] | None = None


class RunViews:
    """Reads Runs."""

    def __init__(self, client: Client, runs: Cache, flows: Cache, archive: Archive, tenants: Tenants) -> None:
        self._client = client
        self._runs = runs
        self._flows = flows
        self._archive = archive
        self._tenants = tenants

    async def list(self, query: RunQuery) -> tuple[list[RunView], Position | None]:
        """A page, and the position to go on from; None where it is the last."""
        if query.namespace is not None:
            self._tenants.check(query.namespace)
        namespaces = self._tenants.names() if query.namespace is None else {query.namespace}
        live = [view for view in map(self._live, self._runs.items()) if _fits(view, query, namespaces)]
        archived = await self._archive.newest(
            namespaces,
            before=query.before,
            limit=query.limit + 1,
            flow_id=query.flow_id,
            phases=query.phases,
        )
        merged = {
            position(view.item): view
            for view in (RunView(a.summary, a.flow_id, archived=True) for a in archived)
        }
        merged |= {position(view.item): view for view in live}
        newest = nlargest(query.limit + 1, merged)
        page = [merged[key] for key in newest[: query.limit]]
        return page, newest[query.limit - 1] if len(newest) > query.limit else None

    async def get(self, value: str) -> RunView:
        """One Run whole, by its id; NotFound."""
        item = self._runs.by_id(value)
        view = await self._fresh(item) if item is not None else None
        view = view or self._archived(await self._archive.get(value))
        if view is None or not self._tenants.has(view.item["metadata"]["namespace"]):
            raise NotFound("execution_not_found", "there is no execution with this id")
        return view

    async def by_uid(self, uid: str) -> RunView | None:
        """The same by UID, for the system's own use."""
        item = self._runs.by_uid(uid)
        view = await self._fresh(item) if item is not None else None
        return view or self._archived(await self._archive.get(uid))

    async def named(self, namespace: str, name: str) -> RunView | None:
        """The Run of this name: live, or the newest archived one."""
        try:
            item = await self._client.get(RUNS, name, namespace)
        except Gone:
            return self._archived(await self._archive.named(namespace, name))
        except KubeError as error:
            raise from_kube(error) from error
        self._runs.observe(item)
        return self._live(item)

    def flow_id(self, run: Object) -> str | None:
        """The id of a Run's flow; None where the flow is gone, or another one has taken its name since."""
        metadata = run["metadata"]
        flow = self._flows.get(metadata["namespace"], run["spec"].get("flow") or "")
        if flow is None or flow["metadata"]["creationTimestamp"] > metadata["creationTimestamp"]:
            return None
        return identifier(flow)

    async def _fresh(self, item: Object) -> RunView | None:
        """As the API server has it now; while that does not answer, as it was last seen."""
        metadata = item["metadata"]
        try:
            item = await self._client.get(RUNS, metadata["name"], metadata["namespace"])
        except Gone:
            return None
        except Unavailable:
            return self._live(item)
        except KubeError as error:
            raise from_kube(error) from error
        return self._live(item) if item["metadata"]["uid"] == metadata["uid"] else None

    def _archived(self, found: tuple[Object, str | None] | None) -> RunView | None:
        return None if found is None else RunView(found[0], found[1], archived=True)

    def _live(self, item: Object) -> RunView:
        return RunView(item, self.flow_id(item))


def position(item: Object) -> Position:
    """Where a Run stands in the list."""
    return parse(item["metadata"]["creationTimestamp"]), item["metadata"]["uid"]


def _fits(view: RunView, query: RunQuery, namespaces: Collection[str]) -> bool:
    item = view.item
    return (
        item["metadata"]["namespace"] in namespaces
        and (query.before is None or position(item) < query.before)
        and (query.flow_id is None or view.flow_id == query.flow_id)
        and (query.phases is None or (item["status"].get("phase") or "Queued") in query.phases)
    )
