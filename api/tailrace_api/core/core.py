"""All use cases over one cluster and one store."""

from dataclasses import dataclass

from tailrace_api.cluster.cache import Cache
from tailrace_api.cluster.cluster import Cluster
from tailrace_api.core.clock import Clock
from tailrace_api.core.credentials import Credentials
from tailrace_api.core.flows import Flows
from tailrace_api.core.kv import Kv
from tailrace_api.core.log_streams import LogStreams
from tailrace_api.core.plugins import Plugins
from tailrace_api.core.resources import Resources
from tailrace_api.core.revisions import Revisions
from tailrace_api.core.run_views import RunViews
from tailrace_api.core.runs import Runs
from tailrace_api.core.secret_refs import SecretReader
from tailrace_api.core.task_views import RunTasks
from tailrace_api.core.tenants import Tenants
from tailrace_api.core.triggers import Triggers
from tailrace_api.core.webhooks import Webhooks
from tailrace_api.crypto import Keyring
from tailrace_api.settings import Settings
from tailrace_api.store.store import Store
from tailrace_crds.language.manifest import PluginLookup


@dataclass(frozen=True)
class Core:
    """The use cases, each ready to be called."""

    settings: Settings
    cluster: Cluster
    store: Store
    tenants: Tenants
    flows: Flows
    revisions: Revisions
    runs: Runs
    run_views: RunViews
    run_tasks: RunTasks
    log_streams: LogStreams
    triggers: Triggers
    webhooks: Webhooks
    credentials: Credentials
    kv: Kv
    plugins: Plugins
    clock: Clock


def compose(
    settings: Settings,
    cluster: Cluster,
    store: Store,
    keyring: Keyring,
    catalogue: PluginLookup,
    clock: Clock,
) -> Core:
    """The use cases over these."""
    client = cluster.client
    tenants = Tenants(cluster.namespaces, settings.namespace)

    def resources(cache: Cache) -> Resources:
        return Resources(client, cache, tenants)

    flows = resources(cluster.flows)
    revisions = Revisions(client, cluster.flows)
    views = RunViews(client, cluster.runs, cluster.flows, store.archive, tenants)
    runs = Runs(client, cluster.runs, views, store.causes, clock)
    secrets = SecretReader(client, f"{settings.namespace}:{settings.account}")
    credentials = Credentials(
        resources(cluster.credentials), cluster.credentials, keyring, store.keys, secrets, clock
    )
    return Core(
        settings=settings,
        cluster=cluster,
        store=store,
        tenants=tenants,
        flows=Flows(flows, revisions, catalogue, settings.default_namespace),
        revisions=revisions,
        runs=runs,
        run_views=views,
        run_tasks=RunTasks(store.journal, store.outputs, revisions, cluster.flows),
        log_streams=LogStreams(store.logs, cluster.runs, settings.log_streams),
        triggers=Triggers(resources(cluster.triggers), flows, cluster.triggers),
        webhooks=Webhooks(cluster.triggers, cluster.flows, tenants, runs, store.ledger, clock),
        credentials=credentials,
        kv=Kv(store.kv, tenants, clock),
        plugins=Plugins(catalogue),
        clock=clock,
    )
