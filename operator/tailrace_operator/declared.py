"""Flows, Triggers, Credentials and Namespaces: what people declare, watched by kopf in a thread of its own.

Handlers are `on.event` and indexes only, so that kopf persists nothing. What changed is told to the main
loop, where work queues bring it to where it should be.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import kopf

from tailrace_crds.language import credentials
from tailrace_kube import Client, Config
from tailrace_kube.config import SERVICE_ACCOUNT
from tailrace_kube.resources import CREDENTIALS, FLOWS, NAMESPACES, TRIGGERS, Resource

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name; of a Namespace the same text twice."""

KINDS = (FLOWS, TRIGGERS, CREDENTIALS, NAMESPACES)
TOKEN_LIFETIME = timedelta(minutes=10)
AUDIT_PATIENCE = 30.0


class Declared:
    """What exists of these kinds, as kopf last heard; read from any thread."""

    def __init__(
        self, config: Config, on_change: Callable[[Resource, Key], None], *, inactivity: float = 75
    ) -> None:
        self.synced = asyncio.Event()
        self._config = config
        self._on_change = on_change
        self._inactivity = inactivity
        self._objects: dict[str, dict[Key, Object]] = {kind.plural: {} for kind in KINDS}
        self._stop = threading.Event()
        self._beat = 0.0

    def get(self, kind: Resource, key: Key) -> Object | None:
        """One object, reduced to what decisions need."""
        return self._objects[kind.plural].get(key)

    def items(self, kind: Resource, namespace: str | None = None) -> list[tuple[Key, Object]]:
        """All objects of a kind, or those of a namespace."""
        found = list(self._objects[kind.plural].items())
        return [(key, item) for key, item in found if namespace is None or key[0] == namespace]

    async def run(self) -> None:
        """Watch until cancelled; RuntimeError where kopf gives up, which it does not do by itself."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def work() -> None:
            failure: BaseException | None = None
            try:
                kopf.run(
                    registry=self._registry(loop),
                    settings=self._settings(),
                    standalone=True,
                    clusterwide=True,
                    stop_flag=self._stop,
                )
            except BaseException as error:  # noqa: BLE001 - whatever ended the thread must reach the main loop
                failure = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, ended, failure)

        threading.Thread(target=work, name="kopf", daemon=True).start()
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            self._stop.set()
            await asyncio.wait([ended], timeout=5)
            raise
        raise RuntimeError("the watch of declared resources has ended")

    async def audit(self, client: Client) -> list[Key]:
        """The objects that have changed half a minute ago without kopf's telling: its watch is dead."""
        suspects: list[tuple[Resource, Key, str | None]] = []
        for kind in KINDS:
            async for page in client.pages(kind):
                for item in page["items"]:
                    key = _key(item["metadata"])
                    known = self._version(kind, key)
                    if known != item["metadata"]["resourceVersion"]:
                        suspects.append((kind, key, known))
        if suspects:
            await asyncio.sleep(AUDIT_PATIENCE)
        return [key for kind, key, known in suspects if self._version(kind, key) == known]

    def _version(self, kind: Resource, key: Key) -> str | None:
        item = self.get(kind, key)
        return None if item is None else str(item["metadata"]["resourceVersion"])

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.scanning.disabled = True
        # No limit: a worker holds its slot until every object is indexed, so that with more objects than
        # slots the operator would never begin (nolar/kopf#1243). What a worker does here is tiny.
        settings.queueing.worker_limit = None
        settings.queueing.idle_timeout = 0.05
        settings.watching.server_timeout = 290
        settings.watching.connect_timeout = 10
        settings.watching.inactivity_timeout = self._inactivity
        settings.watching.chunk_size = 500
        settings.networking.request_timeout = 30
        settings.networking.connect_timeout = 10
        settings.process.ultimate_exiting_timeout = None
        return settings

    def _registry(self, loop: asyncio.AbstractEventLoop) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
            return self._login(**kwargs)

        kopf.on.login(registry=registry)(login)
        for kind in KINDS:
            place = (
                (kind.group or "v1", kind.version, kind.plural) if kind.group else (kind.version, kind.plural)
            )
            kopf.index(*place, id=f"keep-{kind.plural}", registry=registry)(self._keeper(kind))
            kopf.on.event(*place, id=f"tell-{kind.plural}", registry=registry)(self._teller(kind, loop))
        return registry

    def _keeper(self, kind: Resource) -> Callable[..., Any]:
        # An index: kopf calls no handler before the indexes have seen all objects of the first listing.
        async def keep(body: kopf.Body, **_: Any) -> None:
            item = dict(body)
            self._objects[kind.plural][_key(item["metadata"])] = _PROJECTIONS[kind.plural](item)

        return keep

    def _teller(self, kind: Resource, loop: asyncio.AbstractEventLoop) -> Callable[..., Any]:
        async def tell(event: kopf.RawEvent, body: kopf.Body, **_: Any) -> None:
            key = _key(body["metadata"])
            if event["type"] == "DELETED":
                self._drop(kind, key, body["metadata"]["uid"])
            loop.call_soon_threadsafe(self._tell, kind, key)

        return tell

    def _drop(self, kind: Resource, key: Key, uid: str) -> None:
        # By then an object of the same name may be there: kopf orders the events of one UID only.
        known = self._objects[kind.plural].get(key)
        if known is not None and known["metadata"]["uid"] == uid:
            del self._objects[kind.plural][key]

    def _tell(self, kind: Resource, key: Key) -> None:
        # Namespaces always exist, so that this happens also where nothing of ours does.
        self.synced.set()
        self._on_change(kind, key)

    def _login(self, **kwargs: Any) -> kopf.ConnectionInfo | None:
        if "KUBERNETES_SERVICE_HOST" in os.environ and (SERVICE_ACCOUNT / "token").exists():
            return kopf.ConnectionInfo(
                server=self._config.server,
                ca_path=str(SERVICE_ACCOUNT / "ca.crt"),
                token=self._config.token(),
                # The kubelet rotates the token: kopf asks again before it is out of date.
                expiration=datetime.now(UTC) + TOKEN_LIFETIME,
            )
        return kopf.login_with_kubeconfig(**kwargs)


def quieten() -> None:
    """Keep kopf from logging a line for every event."""
    for name in ("kopf", "kopf.objects", "kopf.activities"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # That it takes no signals is meant: the main loop does.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)


def _settle(future: "asyncio.Future[None]", failure: BaseException | None) -> None:
    if future.done():
        return
    if isinstance(failure, Exception):
        future.set_exception(failure)
    else:
        future.set_result(None)


def _key(metadata: Any) -> Key:
    return metadata.get("namespace") or metadata["name"], metadata["name"]


def _metadata(item: Object) -> Object:
    metadata = item["metadata"]
    names = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "labels")
    return {name: metadata[name] for name in names if name in metadata}


def _flow(item: Object) -> Object:
    spec = item.get("spec") or {}
    return {
        "metadata": _metadata(item),
        "state": spec.get("state", "Active"),
        "ttl": spec.get("ttlSecondsAfterFinished"),
        "names_credentials": bool(credentials.references(spec)),
    }


def _trigger(item: Object) -> Object:
    return {
        "apiVersion": item["apiVersion"],
        "kind": item["kind"],
        "metadata": _metadata(item),
        "spec": dict(item.get("spec") or {}),
        "status": dict(item.get("status") or {}),
    }


def _credential(item: Object) -> Object:
    spec = item.get("spec") or {}
    return {
        "metadata": _metadata(item),
        "title": spec.get("title"),
        "hosts": list(spec.get("hosts") or []),
        "status": dict(item.get("status") or {}),
    }


def _namespace(item: Object) -> Object:
    return {
        "metadata": _metadata(item),
        "terminating": (item.get("status") or {}).get("phase") == "Terminating",
    }


_PROJECTIONS: dict[str, Callable[[Object], Object]] = {
    FLOWS.plural: _flow,
    TRIGGERS.plural: _trigger,
    CREDENTIALS.plural: _credential,
    NAMESPACES.plural: _namespace,
}
