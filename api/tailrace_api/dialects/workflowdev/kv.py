"""Key-value storage."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from tailrace_api.dialects.workflowdev.wire import NAMESPACE, PREFIX, Answer, Body, Ignored, Uses
from tailrace_api.http.parsing import JsonRoute
from tailrace_api.store.kv import KvEntry

LIMIT = 1000
router = APIRouter(prefix=PREFIX, tags=["kv"], route_class=JsonRoute)

Space = Annotated[str, Path(pattern=NAMESPACE)]


class ValueBody(Body):
    """A value, any JSON."""

    value: Any
    namespace: Ignored = None
    key: Ignored = None
    updated_at: Ignored = None


class Entry(Answer):
    """One entry."""

    namespace: str
    key: str
    value: Any
    updated_at: str


@router.get("/kv/{namespace}", summary="List all keys in namespace")
async def list_keys(
    uses: Uses, response: Response, namespace: Space, cursor: Annotated[str, Query(max_length=253)] = ""
) -> list[str]:
    """Up to 1,000 keys, ascending; the header X-Next-Cursor, where there is more, is the next `cursor`."""
    keys = await uses.kv.keys(namespace, cursor, LIMIT + 1)
    if len(keys) > LIMIT:
        response.headers["X-Next-Cursor"] = keys[LIMIT - 1]
    return keys[:LIMIT]


@router.put("/kv/{namespace}/{key:path}", summary="Set a value")
async def put_value(uses: Uses, namespace: Space, key: str, body: ValueBody) -> Entry:
    """Set a value, whether or not the key was there."""
    return _entry(await uses.kv.put(namespace, key, body.value))


@router.get("/kv/{namespace}/{key:path}", summary="Get a value")
async def get_value(uses: Uses, namespace: Space, key: str) -> Entry:
    """One value."""
    return _entry(await uses.kv.get(namespace, key))


@router.delete("/kv/{namespace}/{key:path}", status_code=204, summary="Delete a key")
async def delete_value(uses: Uses, namespace: Space, key: str) -> Response:
    """Remove a key."""
    await uses.kv.delete(namespace, key)
    return Response(status_code=204)


def _entry(entry: KvEntry) -> Entry:
    updated = entry.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Entry(namespace=entry.namespace, key=entry.key, value=entry.value, updated_at=updated)
