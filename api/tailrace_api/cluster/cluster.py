"""The caches that the use cases read, and the client that they write with."""

import asyncio
from dataclasses import dataclass
from typing import Self

from tailrace_api.cluster import projections
from tailrace_api.cluster.cache import Cache
from tailrace_crds.meta import TENANT_LABEL
from tailrace_kube.client import Client
from tailrace_kube.resources import CREDENTIALS, FLOWS, NAMESPACES, RUNS, TRIGGERS


@dataclass(frozen=True)
class Cluster:
    """One client, and a cache for each kind that is read often."""

    client: Client
    namespaces: Cache
    flows: Cache
    runs: Cache
    triggers: Cache
    credentials: Cache

    @classmethod
    def over(cls, client: Client) -> Self:
        """Empty caches; `run` fills them."""
        return cls(
            client=client,
            namespaces=Cache(client, NAMESPACES, projections.namespace, label_selector=TENANT_LABEL),
            flows=Cache(client, FLOWS, projections.whole),
            runs=Cache(client, RUNS, projections.run),
            triggers=Cache(client, TRIGGERS, projections.whole),
            credentials=Cache(client, CREDENTIALS, projections.whole),
        )

    @property
    def caches(self) -> tuple[Cache, ...]:
        """All of them."""
        return (self.namespaces, self.flows, self.runs, self.triggers, self.credentials)

    async def run(self) -> None:
        """Follow the API server until cancelled."""
        async with asyncio.TaskGroup() as group:
            for cache in self.caches:
                group.create_task(cache.run())

    async def synced(self) -> None:
        """Wait until everything that exists is known."""
        for cache in self.caches:
            await cache.synced.wait()
