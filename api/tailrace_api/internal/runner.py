"""Routes for runners: everything that a Run needs beside its own resource."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from tailrace_api.core.errors import Conflict, Forbidden, NotFound
from tailrace_api.http.parsing import JsonRoute
from tailrace_api.internal.access import AssignedRun, ClaimedRun, Uses
from tailrace_api.internal.wire import PREFIX, ContainerBody, JournalBody, LogBody, ValueBody
from tailrace_api.store.containers import ContainerRequest
from tailrace_api.store.journal import Entry
from tailrace_api.store.logs import LogLine
from tailrace_crds.language import credentials as language

Object = dict[str, Any]
LONGEST_WAIT = 30.0
POLL_SECONDS = 2.0
"""How often a long poll looks unasked: another replica's changes wake nobody here."""

router = APIRouter(prefix=f"{PREFIX}/runs/{{namespace}}/{{run}}", route_class=JsonRoute)


@router.get("/plan")
async def plan(uses: Uses, item: AssignedRun) -> Object:
    """The Run, its pinned flow and what the journal has of it."""
    name = (item.get("status") or {}).get("revision")
    revision = await uses.revisions.named(item["metadata"]["namespace"], name) if name else None
    if revision is None:
        raise Conflict("not_assigned", "the Run has no revision yet")
    entries = await uses.store.journal.entries(item["metadata"]["uid"])
    return {
        "run": item,
        "flow": {"name": item["spec"]["flow"], "spec": revision.spec},
        "revision": {"name": revision.name, "number": revision.number},
        "journal": [_entry(entry) for entry in entries],
    }


@router.post("/journal")
async def add_entries(uses: Uses, item: ClaimedRun, body: JournalBody) -> Object:
    """Keep the ends of tasks; answers after the commit."""
    entries = [Entry(**entry.model_dump()) for entry in body.entries]
    await uses.store.journal.add(item["metadata"]["uid"], entries, uses.clock())
    return {"stored": len(entries)}


@router.post("/renew")
async def renew(uses: Uses, item: ClaimedRun) -> Object:
    """The pod still executes the Run."""
    await uses.store.claims.renew(item["metadata"]["uid"], item["status"]["claim"]["podUID"], uses.clock())
    return {"renewed": True}


@router.get("/credentials/{name:path}")
async def reveal(uses: Uses, item: ClaimedRun, name: str) -> Object:
    """A credential's value, where the Run's flow names it."""
    namespace = item["metadata"]["namespace"]
    revision = await uses.revisions.named(namespace, item["status"].get("revision") or "")
    if revision is None or name not in language.references(revision.spec):
        raise NotFound("credential_not_found", f"the Run's flow does not name the credential {name}")
    found = await uses.credentials.reveal(namespace, name)
    return {"name": found.name, "value": found.value, "hosts": found.hosts, "unbound": found.unbound}


@router.get("/kv/{space}/{key:path}")
async def get_value(uses: Uses, item: ClaimedRun, space: str, key: str) -> Object:
    """A value of the Run's namespace."""
    _check_own(item, space)
    return {"value": (await uses.kv.get(space, key)).value}


@router.put("/kv/{space}/{key:path}")
async def put_value(uses: Uses, item: ClaimedRun, space: str, key: str, body: ValueBody) -> Object:
    """Set a value in the Run's namespace."""
    _check_own(item, space)
    return {"value": (await uses.kv.put(space, key, body.value)).value}


@router.delete("/kv/{space}/{key:path}")
async def delete_value(uses: Uses, item: ClaimedRun, space: str, key: str) -> Object:
    """Remove a key of the Run's namespace."""
    _check_own(item, space)
    await uses.kv.delete(space, key)
    return {"deleted": True}


@router.post("/logs")
async def add_lines(uses: Uses, item: ClaimedRun, body: LogBody) -> Object:
    """Keep log lines; a repeat is dropped."""
    attempt = int(item["status"]["claim"].get("attempt") or 1)
    lines = [
        LogLine(attempt, line.seq, line.time, line.task, line.attempt, line.level, line.message)
        for line in body.lines
    ]
    await uses.store.logs.add(item["metadata"]["uid"], lines, uses.clock())
    return {"stored": len(lines)}


@router.put("/outputs/{task}")
async def put_outputs(uses: Uses, item: ClaimedRun, task: str, request: Request) -> Object:
    """Keep a task's outputs, as they come in."""
    uid = item["metadata"]["uid"]
    size = await uses.store.outputs.write(uid, _checked_task(task), request.stream(), uses.clock())
    return {"ref": f"store:{uid}/{task}", "bytes": size}


@router.get("/outputs/{task}", response_model=None)
async def get_outputs(uses: Uses, item: ClaimedRun, task: str) -> Response:
    """A task's outputs, as they are read."""
    uid = item["metadata"]["uid"]
    size = await uses.store.outputs.size(uid, _checked_task(task))
    if size is None:
        raise NotFound("output_not_found", f"there are no stored outputs of the task {task}")
    pieces: AsyncIterator[bytes] = uses.store.outputs.read(uid, task)
    return StreamingResponse(pieces, media_type="application/json", headers={"Content-Length": str(size)})


@router.post("/containers", status_code=202)
async def request_container(uses: Uses, item: ClaimedRun, body: ContainerBody) -> Object:
    """Ask for a container of the pinned flow's task; asked again, it is the same one."""
    metadata = item["metadata"]
    identifier = await uses.store.containers.request(
        namespace=metadata["namespace"],
        run=metadata["name"],
        run_uid=metadata["uid"],
        task=body.task,
        attempt=body.attempt,
        args=body.args,
        env=body.env,
        now=uses.clock(),
    )
    return {"id": str(identifier)}


@router.get("/containers/{identifier}")
async def wait_for_container(
    uses: Uses,
    item: ClaimedRun,
    identifier: Annotated[int, Path(ge=1, lt=2**62)],
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT)] = 0,
) -> Object:
    """How a container ended, or that it has not within `wait` seconds."""
    deadline = asyncio.get_running_loop().time() + wait
    while True:
        found = await uses.store.containers.get(identifier)
        if found is None or found.run_uid != item["metadata"]["uid"]:
            raise NotFound("container_not_found", "the Run has asked for no container with this id")
        left = deadline - asyncio.get_running_loop().time()
        if found.done or left <= 0:
            return _outcome(found)
        await uses.store.containers.changed(min(left, POLL_SECONDS))


def _check_own(item: Object, space: str) -> None:
    if space != item["metadata"]["namespace"]:
        raise Forbidden("forbidden", "a Run has only the keys of its own namespace")


def _checked_task(task: str) -> str:
    if len(task) > 128 or not task.isprintable():  # noqa: PLR2004 - the store's column
        raise NotFound("output_not_found", "no task can have this name")
    return task


def _entry(entry: Entry) -> Object:
    found = {
        "task": entry.task,
        "attempt": entry.attempt,
        "phase": entry.phase,
        "outputs": entry.outputs,
        "outputsRef": entry.outputs_ref,
        "message": entry.message,
        "startTime": entry.start_time,
        "completionTime": entry.completion_time,
    }
    return {name: value for name, value in found.items() if value is not None}


def _outcome(request: ContainerRequest) -> Object:
    if not request.done:
        return {"state": "pending"}
    found = {"exitCode": request.exit_code, "message": request.message, "result": request.result}
    return {"state": "done", **{name: value for name, value in found.items() if value is not None}}
