"""Flows as Runs need them: read past every cache, checked, and pinned as a revision."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from tailrace_crds.language import validation
from tailrace_crds.language.problems import Problem
from tailrace_crds.meta import FLOW_LABEL
from tailrace_kube import Client, errors
from tailrace_kube.resources import CONTROLLER_REVISIONS, FLOWS
from tailrace_operator.logic import names, revisions
from tailrace_plugins import catalogue

Object = dict[str, Any]

MAX_REMEMBERED = 2000


@dataclass(frozen=True)
class Pinned:
    """A Flow as it is now: its object, its problems, and the name of the revision that pins it."""

    flow: Object
    problems: tuple[Problem, ...]
    revision: str


class Flows:
    """Reads Flows and their revisions; remembers by content, so that it remembers nothing out of date."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._problems: OrderedDict[str, tuple[Problem, ...]] = OrderedDict()
        self._specs: OrderedDict[tuple[str, str], Object] = OrderedDict()
        self._pinned: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    async def get(self, namespace: str, name: str) -> Pinned | None:
        """The Flow as stored now, its revision made sure of; None where there is no such Flow."""
        try:
            flow = await self._client.get(FLOWS, name, namespace)
        except errors.NotFound:
            return None
        return await self.pin(flow)

    async def pin(self, flow: Object) -> Pinned:
        """Check a Flow, and see to it that its revision exists where it can be executed."""
        digest = revisions.digest(flow["spec"])
        problems = self._check(digest, flow["spec"])
        revision = names.revision(flow["metadata"]["name"], digest)
        if not problems:
            await self._ensure(flow, revision)
        return Pinned(flow, problems, revision)

    async def spec(self, namespace: str, revision: str) -> Object:
        """The spec that a revision pins, without what only its author reads; NotFound."""
        key = (namespace, revision)
        if key not in self._specs:
            found = await self._client.get(CONTROLLER_REVISIONS, revision, namespace)
            _remember(self._specs, key, _lean(found["data"]["spec"]))
        return self._specs[key]

    def known_spec(self, namespace: str, revision: str) -> Object | None:
        """The same, where it is remembered."""
        return self._specs.get((namespace, revision))

    def _check(self, digest: str, spec: Object) -> tuple[Problem, ...]:
        if digest not in self._problems:
            _remember(self._problems, digest, tuple(validation.validate(spec, catalogue)))
        return self._problems[digest]

    async def _ensure(self, flow: Object, revision: str) -> None:
        """Create the revision, or take over one that a deleted Flow of the same name and spec has left."""
        metadata = flow["metadata"]
        key = (metadata["namespace"], revision, metadata["uid"])
        if key in self._pinned:
            return
        number = await self._next_number(metadata["namespace"], metadata["name"])
        try:
            await self._client.create(
                CONTROLLER_REVISIONS, revisions.build(flow, number), metadata["namespace"]
            )
        except errors.AlreadyExists:
            found = await self._client.get(CONTROLLER_REVISIONS, revision, metadata["namespace"])
            if not revisions.is_owned(found, flow):
                owners = {"metadata": {"ownerReferences": [revisions.owner(flow)]}}
                await self._client.patch(CONTROLLER_REVISIONS, revision, owners, metadata["namespace"])
        _remember(self._pinned, key, None)
        _remember(self._specs, key[:2], _lean(flow["spec"]))

    async def _next_number(self, namespace: str, flow: str) -> int:
        selector = f"{FLOW_LABEL}={names.label(flow)}"
        found = await self._client.list(CONTROLLER_REVISIONS, namespace, label_selector=selector)
        return max((item["revision"] for item in found["items"]), default=0) + 1


def _lean(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if key != "document"}


def _remember(memory: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    memory[key] = value
    if len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
