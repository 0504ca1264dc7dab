"""Routes for the operator: archive, ledger, stale claims, container requests, credentials."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request

from tailrace_api.cluster import projections
from tailrace_api.cluster.cache import identifier as identifier_of
from tailrace_api.core.clock import parse
from tailrace_api.core.errors import NotFound, Unreadable, invalid_field
from tailrace_api.http.parsing import JsonRoute
from tailrace_api.internal.access import Uses, operator
from tailrace_api.internal.claim_ages import ClaimAges
from tailrace_api.internal.runner import LONGEST_WAIT, POLL_SECONDS
from tailrace_api.internal.wire import PREFIX, CheckBody, LedgerBody, OutcomeBody
from tailrace_api.store.containers import ContainerRequest
from tailrace_api.store.ledger import Firing
from tailrace_api.store.runs import ArchivedRun

Object = dict[str, Any]

router = APIRouter(prefix=f"{PREFIX}/operator", route_class=JsonRoute, dependencies=[Depends(operator)])


@router.put("/archive/{namespace}/{uid}")
async def archive(uses: Uses, namespace: str, uid: str, run: Annotated[Object, Body()]) -> Object:
    """Keep an ended Run; answers after the commit."""
    archived = _archived(run, namespace, uid, uses.run_views.flow_id)
    await uses.store.archive.put(archived, uses.clock())
    await uses.store.claims.forget(uid)
    await uses.store.containers.forget_run(uid)
    uses.store.logs.wake(uid)
    return {"archived": True}


@router.post("/ledger")
async def record(uses: Uses, body: LedgerBody) -> Object:
    """Keep firings; a repeat is dropped."""
    stored = await uses.store.ledger.add([Firing(**line.model_dump()) for line in body.firings])
    return {"stored": stored}


@router.get("/ledger/{namespace}/{uid}")
async def recorded(uses: Uses, namespace: str, uid: str, after: str | None = None) -> Object:
    """The slots that have been dealt with."""
    slots = await uses.store.ledger.slots(namespace, uid, None if after is None else _time("after", after))
    return {"slots": [slot.strftime("%Y-%m-%dT%H:%M:%SZ") for slot in slots]}


@router.get("/claims/stale")
async def stale_claims(
    uses: Uses, request: Request, seconds: Annotated[float, Query(ge=1, le=86400)] = 30
) -> Object:
    """Claims that were not renewed for so long."""
    ages: ClaimAges = request.app.state.claim_ages
    before = uses.clock() - timedelta(seconds=seconds)
    found = ages.older(await uses.store.claims.renewals(), before)
    return {
        "claims": [
            {
                "namespace": claim.namespace,
                "run": claim.run,
                "uid": claim.uid,
                "podUID": claim.pod_uid,
                "renewedAt": claim.renewed_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            }
            for claim in found
        ]
    }


@router.get("/containers")
async def container_requests(
    uses: Uses,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT)] = 0,
    seen: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
) -> Object:
    """All requests that have not ended: at once, or once there is one with an id above `seen`."""
    deadline = asyncio.get_running_loop().time() + wait
    while True:
        found = await uses.store.containers.unfinished()
        left = deadline - asyncio.get_running_loop().time()
        if seen is None or left <= 0 or any(request.id > seen for request in found):
            return {"requests": [_request(request) for request in found]}
        await uses.store.containers.changed(min(left, POLL_SECONDS))


@router.post("/containers/{identifier}")
async def finish_container(
    uses: Uses, identifier: Annotated[int, Path(ge=1, lt=2**62)], body: OutcomeBody
) -> Object:
    """Record how a container ended."""
    known = await uses.store.containers.finish(
        identifier, exit_code=body.exit_code, message=body.message, result=body.result, log=body.log
    )
    if not known:
        raise NotFound("container_not_found", "there is no container request with this id")
    return {"done": True}


@router.post("/credentials/check")
async def check_credential(uses: Uses, body: CheckBody) -> Object:
    """Whether a Credential's value can be read; the message never holds any of it."""
    try:
        await uses.credentials.check(body.namespace, body.name)
    except (NotFound, Unreadable) as failure:
        return {"readable": False, "message": failure.message}
    return {"readable": True, "message": ""}


def _archived(run: Object, namespace: str, uid: str, flow_id: Any) -> ArchivedRun:
    """The Run to keep; Invalid where the object is not the one that the path names."""
    metadata, spec = run.get("metadata"), run.get("spec")
    if not isinstance(metadata, dict) or not isinstance(spec, dict):
        raise invalid_field("metadata", "should be a Run's")
    if metadata.get("uid") != uid or metadata.get("namespace") != namespace:
        raise invalid_field("metadata", "is not that of the Run in the path")
    for field, value in (("name", metadata.get("name")), ("flow", spec.get("flow"))):
        if not isinstance(value, str):
            raise invalid_field(field, "is missing")
    created = _time("metadata.creationTimestamp", metadata.get("creationTimestamp"))
    return ArchivedRun(
        uid=uid,
        id=identifier_of(run),
        namespace=namespace,
        name=metadata["name"],
        flow=spec["flow"],
        flow_id=flow_id(run),
        phase=str((run.get("status") or {}).get("phase") or "")[:16],
        created_at=created,
        summary=projections.run(run),
        object=projections.whole(run),
    )


def _time(path: str, value: Any) -> datetime:
    try:
        return parse(value)
    except (TypeError, ValueError):
        raise invalid_field(path, "should be a time (RFC 3339)") from None


def _request(request: ContainerRequest) -> Object:
    return {
        "id": str(request.id),
        "namespace": request.namespace,
        "run": request.run,
        "runUID": request.run_uid,
        "task": request.task,
        "attempt": request.attempt,
        "args": request.args,
        "env": request.env,
    }
