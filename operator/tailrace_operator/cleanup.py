"""Remove what the operator made in the tenants' namespaces; the chart runs this when it is uninstalled.

Resources that people wrote, and all Runs, stay. Jobs of Runs in flight go, because their pods can do nothing
without the internal API: installed again, the operator gives those Runs their next attempt.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from tailrace_crds.meta import MANAGED_BY_LABEL
from tailrace_kube import Client, Resource, load
from tailrace_kube.errors import NotFound
from tailrace_kube.resources import CONFIGMAPS, JOBS, NETWORK_POLICIES, ROLE_BINDINGS, SERVICE_ACCOUNTS

OURS = f"{MANAGED_BY_LABEL}=tailrace"
# Jobs first: afterwards no pod is left that would miss the rest.
KINDS = (JOBS, ROLE_BINDINGS, SERVICE_ACCOUNTS, NETWORK_POLICIES, CONFIGMAPS)


async def clean(client: Client) -> AsyncIterator[str]:
    """Delete them all; yields a line for each."""
    for kind in KINDS:
        for item in (await client.list(kind, label_selector=OURS))["items"]:
            namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
            if await _deleted(client, kind, namespace, name):
                yield f"{kind.kind} {namespace}/{name} deleted"


async def _deleted(client: Client, kind: Resource, namespace: str, name: str) -> bool:
    try:
        await client.delete(kind, name, namespace)
    except NotFound:
        return False
    return True


async def _run() -> None:
    async with Client(load()) as client:
        async for line in clean(client):
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    asyncio.run(_run())
