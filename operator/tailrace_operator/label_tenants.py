"""Make namespaces tenants; the chart runs this with the names in its value `tenants`.

A namespace that exists keeps everything it has and gets the label; one that does not is created with
restricted Pod Security, because nothing in it can need more.
"""

import asyncio
import sys
from collections.abc import Sequence

from tailrace_crds.meta import TENANT_LABEL
from tailrace_kube import Client, load
from tailrace_kube.errors import AlreadyExists
from tailrace_kube.resources import NAMESPACES

LABELS = {TENANT_LABEL: "true"}
LABELS_OF_NEW = LABELS | {"pod-security.kubernetes.io/enforce": "restricted"}


async def label(client: Client, namespace: str) -> str:
    """Create or label one namespace; what was done."""
    new = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": LABELS_OF_NEW}}
    try:
        await client.create(NAMESPACES, new)
    except AlreadyExists:
        await client.patch(NAMESPACES, namespace, {"metadata": {"labels": LABELS}})
        return "labelled"
    return "created"


async def _run(namespaces: Sequence[str]) -> None:
    async with Client(load()) as client:
        for namespace in namespaces:
            sys.stdout.write(f"Namespace {namespace} {await label(client, namespace)}\n")


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1:]))
