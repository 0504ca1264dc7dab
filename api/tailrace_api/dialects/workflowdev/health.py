"""Whether the facade lives, and whether it can serve."""

from fastapi import APIRouter

from tailrace_api.core.errors import Unavailable
from tailrace_api.dialects.workflowdev.wire import Answer, Uses

router = APIRouter(tags=["health"])


class Health(Answer):
    """All is well."""

    status: str


@router.get("/healthz", summary="Health check")
async def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", summary="Readiness check (verifies DB connection)")
async def readyz(uses: Uses) -> Health:
    """The database answers and the caches have been filled."""
    await uses.store.database.ping()
    missing = [cache.resource.plural for cache in uses.cluster.caches if not cache.synced.is_set()]
    if missing:
        raise Unavailable("not_ready", f"not yet listed from Kubernetes: {', '.join(missing)}")
    return Health(status="ok")
