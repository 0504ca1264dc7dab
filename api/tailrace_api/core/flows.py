"""Flows: created, changed and restored as a caller, told apart by their titles."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from tailrace_api.cluster.identity import Caller
from tailrace_api.core import documents, names
from tailrace_api.core.documents import Parsed
from tailrace_api.core.errors import Invalid, invalid_field
from tailrace_api.core.resources import Resources, checked_title
from tailrace_api.core.revisions import Revision, Revisions
from tailrace_crds.language.manifest import PluginLookup
from tailrace_crds.language.problems import Problem

Object = dict[str, Any]

LARGE_TEXT = 16 * 1024
"""Longer texts are read in a thread, so that others' requests need not wait."""


@dataclass(frozen=True)
class FlowDraft:
    """A flow as a caller describes it: a text in a dialect's YAML, or a document; None: not said."""

    dialect: str
    title: str | None = None
    namespace: str | None = None
    text: str | None = None
    document: Object | None = None


class Flows:
    """The use cases about flows."""

    def __init__(
        self, resources: Resources, revisions: Revisions, plugins: PluginLookup, default_namespace: str
    ) -> None:
        self._resources = resources
        self._revisions = revisions
        self._plugins = plugins
        self._default_namespace = default_namespace

    def all(self, namespace: str | None) -> list[Object]:
        """All, oldest first."""
        return self._resources.all(namespace)

    def get(self, identifier: str) -> Object:
        """One; NotFound."""
        return self._resources.get(identifier)

    def find(self, identifier: str) -> Object | None:
        """One, or None."""
        return self._resources.find(identifier)

    def in_namespace(self, namespace: str, name: str) -> Object | None:
        """One by the name of the resource, or None."""
        return self._resources.in_namespace(namespace, name)

    async def validate(self, text: str) -> list[Problem]:
        """What of a text can never work; empty: it is valid."""
        try:
            await self._parse(text)
        except Invalid as failure:
            return list(failure.details)
        return []

    async def create(self, caller: Caller, draft: FlowDraft) -> Object:
        """A new flow; the caller's name for it beats the one in its text."""
        parsed = await self._read(draft)
        title = checked_title(draft.title if draft.title is not None else parsed.name)
        namespace = _one_namespace(draft.namespace, parsed.namespace) or self._default_namespace
        spec = self._spec(parsed, title, draft)
        return await self._resources.create(caller, namespace, title, lambda _name: spec)

    async def update(self, caller: Caller, identifier: str, draft: FlowDraft) -> Object:
        """Change a flow; what is not said stays. A new text makes a new revision."""
        current = self.get(identifier)
        metadata = current["metadata"]
        parsed = None if draft.text is None else await self._read(draft)
        wanted = _one_namespace(draft.namespace, parsed.namespace if parsed else None)
        if wanted not in {None, metadata["namespace"]}:
            raise invalid_field("namespace", "cannot be changed: create the flow there anew")
        title = draft.title if draft.title is not None else (parsed.name if parsed else None)
        if title is not None:
            self._resources.refuse_duplicate(metadata["namespace"], checked_title(title), but=metadata["uid"])

        def change(stored: Object) -> Object:
            spec = dict(stored["spec"])
            if parsed is not None:
                kept = {key: spec[key] for key in ("state", "title") if key in spec}
                spec = kept | self._spec(parsed, None, draft)
            return spec if title is None else {**spec, "title": title}

        if parsed is not None and draft.text != (current["spec"].get("document") or {}).get("text"):
            await self._revisions.pinned(current)
        return await self._resources.modify(caller, identifier, change)

    async def delete(self, caller: Caller, identifier: str) -> None:
        """Remove one; NotFound."""
        await self._resources.delete(caller, identifier)

    async def revisions(self, identifier: str) -> list[Revision]:
        """All revisions, oldest first; the creation is 1."""
        flow = self.get(identifier)
        await self._revisions.pinned(flow)
        return await self._revisions.of(flow)

    async def restore(self, caller: Caller, identifier: str, number: int) -> Object:
        """Make an earlier revision the current one; the name stays as it is now."""
        flow = self.get(identifier)
        await self._revisions.pinned(flow)
        revision = await self._revisions.get(flow, number)

        def change(stored: Object) -> Object:
            kept = {key: stored["spec"][key] for key in ("state", "title") if key in stored["spec"]}
            return {**revision.spec, **kept}

        return await self._resources.modify(caller, identifier, change)

    async def _read(self, draft: FlowDraft) -> Parsed:
        if draft.text is not None:
            return await self._parse(draft.text)
        if draft.document is not None:
            return documents.from_document(draft.document, self._plugins, "the flow")
        raise invalid_field("yamlContent", "is missing")

    async def _parse(self, text: str) -> Parsed:
        read = partial(documents.parse, text, self._plugins, "yamlContent")
        return read() if len(text) < LARGE_TEXT else await asyncio.to_thread(read)

    def _spec(self, parsed: Parsed, title: str | None, draft: FlowDraft) -> Object:
        spec = dict(parsed.spec)
        if title is not None:
            spec = {"title": title, **spec}
        return spec if draft.text is None else documents.with_text(spec, draft.dialect, draft.text)


def title_of(flow: Object) -> str:
    """What people call it."""
    return names.display(flow)


def _one_namespace(asked: str | None, written: str | None) -> str | None:
    if asked is not None and written is not None and asked != written:
        raise invalid_field("namespace", f"is {asked}, but the flow's own text says {written}")
    return asked if asked is not None else written
