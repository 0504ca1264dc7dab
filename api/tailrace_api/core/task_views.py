"""A Run's tasks as callers see them: where each stands from the status, what it gave from the journal."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from tailrace_api.cluster.cache import Cache
from tailrace_api.core.revisions import Revisions
from tailrace_api.store.journal import Entry, Journal
from tailrace_api.store.outputs import Outputs

Object = dict[str, Any]

SETTLED = frozenset({"Succeeded", "Skipped", "Cancelled"})
"""Ends after which no further attempt follows; a failed one may be tried again."""

EMBEDDED_BYTES = 8 * 1024 * 1024
"""So much of stored outputs one answer holds; beyond it, the reference stands in their place."""


@dataclass(frozen=True)
class TaskView:
    """One task: its last attempt. `outputs` are a JSON value; times in RFC 3339."""

    name: str
    type: str | None
    phase: str
    outputs: Any = None
    outputs_ref: str | None = None
    ended: bool = False
    message: str | None = None
    start_time: str | None = None
    completion_time: str | None = None


def merge(tasks: list[Object], journal: list[Entry], types: dict[str, str]) -> list[TaskView]:
    """The tasks in the order of the status, then those that only the journal has (a status lists 200)."""
    last = {entry.task: entry for entry in journal}
    known = {task["name"] for task in tasks}
    views = [_view(task, last.get(task["name"]), types) for task in tasks]
    views += [_journaled(entry, types.get(name)) for name, entry in last.items() if name not in known]
    return views


class RunTasks:
    """Reads the tasks of Runs."""

    def __init__(self, journal: Journal, outputs: Outputs, revisions: Revisions, flows: Cache) -> None:
        self._journal = journal
        self._outputs = outputs
        self._revisions = revisions
        self._flows = flows

    def expected(self, run: Object) -> int:
        """How many tasks a Run will have, before its runner says so."""
        flow = self._flows.get(run["metadata"]["namespace"], run["spec"].get("flow") or "")
        return len(flow["spec"].get("tasks") or []) if flow is not None else 0

    async def of(self, run: Object) -> list[tuple[TaskView, bytes | None]]:
        """Each task of a Run, and its outputs as JSON text where they are in the store and there is room."""
        uid = run["metadata"]["uid"]
        tasks = (run.get("status") or {}).get("tasks") or []
        entries = await self._journal.entries(uid)
        untyped = {entry.task for entry in entries} - {task["name"] for task in tasks if task.get("type")}
        views = merge(tasks, entries, await self._types(run) if untyped else {})
        return await self._with_outputs(views, uid)

    async def _types(self, run: Object) -> dict[str, str]:
        """The type of each task, from the revision that the Run has pinned."""
        name = (run.get("status") or {}).get("revision")
        revision = await self._revisions.named(run["metadata"]["namespace"], name) if name else None
        spec = revision.spec if revision is not None else {}
        sections = (spec.get(section) or [] for section in ("tasks", "onFailure", "finally"))
        return {task["name"]: task["type"] for section in sections for task in section}

    async def _with_outputs(self, views: list[TaskView], run_uid: str) -> list[tuple[TaskView, bytes | None]]:
        room = EMBEDDED_BYTES
        found: list[tuple[TaskView, bytes | None]] = []
        for view in views:
            size = await self._outputs.size(run_uid, view.name) if view.outputs_ref is not None else None
            if size is None or size > room:
                found.append((view, None))
                continue
            room -= size
            found.append((view, await _collect(self._outputs.read(run_uid, view.name))))
        return found


def _view(task: Object, entry: Entry | None, types: dict[str, str]) -> TaskView:
    phase = task["phase"]
    running = phase in {"Pending", "Running"}
    view = TaskView(
        name=task["name"],
        type=task.get("type") or types.get(task["name"]),
        phase=phase,
        ended=not running,
        message=task.get("message"),
        start_time=task.get("startTime"),
        completion_time=task.get("completionTime"),
    )
    if entry is None:
        return view
    if running and (entry.phase not in SETTLED or entry.attempt < (task.get("attempts") or 1)):
        return view
    journaled = _journaled(entry, view.type)
    return replace(
        journaled,
        message=journaled.message or view.message,
        start_time=journaled.start_time or view.start_time,
        completion_time=journaled.completion_time or view.completion_time,
    )


def _journaled(entry: Entry, kind: str | None) -> TaskView:
    return TaskView(
        name=entry.task,
        type=kind,
        phase=entry.phase,
        outputs=entry.outputs,
        outputs_ref=entry.outputs_ref,
        ended=True,
        message=entry.message,
        start_time=entry.start_time,
        completion_time=entry.completion_time,
    )


async def _collect(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])
