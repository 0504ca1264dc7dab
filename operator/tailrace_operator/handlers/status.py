"""Writing a status: only where it differs, and never over a change that has not been seen."""

from typing import Any

from tailrace_crds.conditions import merge
from tailrace_crds.meta import Condition
from tailrace_kube import Client, Resource, errors

Object = dict[str, Any]


def with_conditions(status: Object, conditions: list[Condition], generation: int | None) -> Object:
    """The fields of a status that every kind has, transition times kept where nothing has changed."""
    return {
        "observedGeneration": generation,
        "conditions": merge(status.get("conditions") or [], conditions),
    }


async def write(client: Client, resource: Resource, item: Object, wanted: Object) -> bool:
    """Bring these fields of a status to these values (None: absent); whether that took a write.

    An object that has gone meanwhile is no error; Conflict is raised, and the caller looks again.
    """
    status = item.get("status") or {}
    if all(status.get(name) == value for name, value in wanted.items()):
        return False
    metadata = item["metadata"]
    patch = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, "status": wanted}
    try:
        await client.patch(resource, metadata["name"], patch, metadata.get("namespace"), subresource="status")
    except errors.NotFound:
        return False
    return True
