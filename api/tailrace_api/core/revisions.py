"""The revisions of a flow, which the operator keeps as ControllerRevisions."""

import asyncio
from dataclasses import dataclass
from typing import Any

from tailrace_api.cluster.cache import Cache
from tailrace_api.core import names
from tailrace_api.core.errors import NotFound, from_kube
from tailrace_crds.meta import FLOW_LABEL
from tailrace_kube.client import Client
from tailrace_kube.errors import KubeError
from tailrace_kube.resources import CONTROLLER_REVISIONS

Object = dict[str, Any]

PATIENCE_SECONDS = 2.0
STEP_SECONDS = 0.05


@dataclass(frozen=True)
class Revision:
    """A flow's spec as it was; the creation is number 1."""

    number: int
    name: str
    created_at: str
    spec: Object


class Revisions:
    """Reads revisions live: they are few, and asked for rarely."""

    def __init__(self, client: Client, flows: Cache) -> None:
        self._client = client
        self._flows = flows

    async def of(self, flow: Object) -> list[Revision]:
        """All of a flow, oldest first."""
        metadata = flow["metadata"]
        selector = f"{FLOW_LABEL}={names.label(metadata['name'])}"
        try:
            found = await self._client.list(
                CONTROLLER_REVISIONS, metadata["namespace"], label_selector=selector
            )
        except KubeError as error:
            raise from_kube(error) from error
        return sorted(
            (_revision(item) for item in found["items"] if _is_owned(item, flow)),
            key=lambda item: item.number,
        )

    async def get(self, flow: Object, number: int) -> Revision:
        """One of a flow's; NotFound."""
        for revision in await self.of(flow):
            if revision.number == number:
                return revision
        raise NotFound("revision_not_found", f"the flow has no revision {number}")

    async def named(self, namespace: str, name: str) -> Revision | None:
        """The revision that a Run has pinned, or None."""
        try:
            return _revision(await self._client.get(CONTROLLER_REVISIONS, name, namespace))
        except KubeError as error:
            if error.status == 404:  # noqa: PLR2004 - HTTP
                return None
            raise from_kube(error) from error

    async def pinned(self, flow: Object) -> None:
        """Wait, for two seconds at the most, until the operator has pinned the flow as it is now.

        Without this, two changes in a row could leave one revision: the operator looks at what is stored, not
        at every step that led there.
        """
        metadata = flow["metadata"]
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            current = self._flows.get(metadata["namespace"], metadata["name"])
            if current is None or _is_pinned(current):
                return
            await asyncio.sleep(STEP_SECONDS)


def _is_pinned(flow: Object) -> bool:
    status = flow.get("status") or {}
    return bool(status.get("observedGeneration", 0) >= flow["metadata"]["generation"])


def _is_owned(revision: Object, flow: Object) -> bool:
    owners = revision["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == flow["metadata"]["uid"] for owner in owners)


def _revision(item: Object) -> Revision:
    metadata = item["metadata"]
    spec = (item.get("data") or {}).get("spec") or {}
    return Revision(int(item["revision"]), metadata["name"], metadata["creationTimestamp"], spec)
