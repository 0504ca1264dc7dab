"""The composition of the facade: one core, and an application for each listener."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp

from tailrace_api import crypto
from tailrace_api.cluster.cluster import Cluster
from tailrace_api.core import core as use_cases
from tailrace_api.core.clock import utc_now
from tailrace_api.core.core import Core
from tailrace_api.crypto import Keyring, KeyringError
from tailrace_api.dialects.workflowdev import app as workflowdev
from tailrace_api.http.access import Access
from tailrace_api.internal import app as internal
from tailrace_api.listeners import closed, metrics_only, probes
from tailrace_api.metrics import Metrics
from tailrace_api.retention import sweep
from tailrace_api.settings import Settings
from tailrace_api.store import database, migrate, store
from tailrace_api.store.store import Store
from tailrace_kube import config
from tailrace_kube.client import Client
from tailrace_plugins import catalogue

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Applications:
    """What each listener serves."""

    core: Core
    open: ASGIApp
    closed: ASGIApp
    internal: ASGIApp
    probes: ASGIApp
    metrics: ASGIApp


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Applications]:
    """Everything that the listeners need, while it lasts. The caches fill in the background.

    Raises KeyringError where an encryption key is missing that has been used before.
    """
    keyring = crypto.load(settings.encryption_keys)
    metrics = Metrics()
    opened = database.Database(database.engine(settings.database_url), metrics.store)
    try:
        await migrate.upgrade(opened.engine)
        stored = store.over(opened)
        async with Client(config.load(settings.kubeconfig)) as client, asyncio.TaskGroup() as group:
            writer = asyncio.create_task(opened.run())
            await _check_keys(keyring, stored)
            cluster = Cluster.over(client)
            core = use_cases.compose(settings, cluster, stored, keyring, catalogue, utc_now)
            metrics.watch_age(lambda: {cache.resource.plural: cache.age for cache in cluster.caches})
            applications = _applications(core, metrics)
            tasks = [
                group.create_task(cluster.run()),
                group.create_task(sweep(stored, utc_now)),
                group.create_task(_check_credentials(core, metrics)),
            ]
            try:
                yield applications
            finally:
                for task in [*tasks, writer]:
                    task.cancel()
                await asyncio.gather(*tasks, writer, return_exceptions=True)
    finally:
        await opened.close()


def _applications(core: Core, metrics: Metrics) -> Applications:
    dialect: FastAPI = workflowdev.build(core.settings, core, metrics)
    return Applications(
        core=core,
        open=Access(dialect, "open", metrics),
        closed=Access(closed(core.settings), "service", metrics),
        internal=Access(internal.build(core), "internal", metrics),
        probes=probes(core),
        metrics=metrics_only(metrics),
    )


async def _check_keys(keyring: Keyring, stored: Store) -> None:
    """A key that has encrypted something must be there, or its values are lost without a word."""
    missing = await stored.keys.used() - keyring.ids
    if missing:
        raise KeyringError(
            f"keys that encrypted credentials are missing: {', '.join(sorted(missing))}; "
            f"there are {', '.join(sorted(keyring.ids))}. Put the missing key back beside the others."
        )


async def _check_credentials(core: Core, metrics: Metrics) -> None:
    """Name every credential that cannot be decrypted, once all are known."""
    await core.cluster.synced()
    unreadable = core.credentials.undecryptable()
    metrics.unreadable.set(len(unreadable))
    for name, reason in unreadable.items():
        log.error("credential cannot be decrypted", credential=name, reason=reason)
