"""What flows, triggers and credentials have in common: found by id, named by title, written as the caller."""

from collections.abc import Callable
from typing import Any

from tailrace_api.cluster.cache import Cache
from tailrace_api.cluster.identity import Caller
from tailrace_api.core import names
from tailrace_api.core.errors import Conflict, NotFound, from_kube, invalid_field
from tailrace_api.core.tenants import Tenants
from tailrace_crds.meta import API_VERSION
from tailrace_kube.client import Client
from tailrace_kube.errors import AlreadyExists, KubeError
from tailrace_kube.errors import Conflict as Changed
from tailrace_kube.errors import NotFound as Gone

Object = dict[str, Any]

ATTEMPTS = 4
MAX_TITLE = 253


class Resources:
    """One kind, in the tenants' namespaces."""

    def __init__(self, client: Client, cache: Cache, tenants: Tenants) -> None:
        self._client = client
        self._cache = cache
        self._tenants = tenants
        self.kind = cache.resource.kind

    def all(self, namespace: str | None = None) -> list[Object]:
        """All of the tenants', or of one namespace, oldest first."""
        if namespace is not None:
            self._tenants.check(namespace)
        tenants = self._tenants.names() if namespace is None else {namespace}
        found = [item for item in self._cache.items() if item["metadata"]["namespace"] in tenants]
        return sorted(found, key=_age)

    def get(self, identifier: str) -> Object:
        """One, by its id; NotFound."""
        item = self.find(identifier)
        if item is None:
            raise self._not_found()
        return item

    def find(self, identifier: str) -> Object | None:
        """The same, or None."""
        item = self._cache.by_id(identifier)
        return item if item is not None and self._tenants.has(item["metadata"]["namespace"]) else None

    def in_namespace(self, namespace: str, name: str) -> Object | None:
        """One by the name of the resource, or None."""
        return self._cache.get(namespace, name)

    async def create(
        self, caller: Caller, namespace: str, title: str, spec: Callable[[str], Object]
    ) -> Object:
        """A new one under a name that follows from its title; Conflict where the title is taken.

        `spec` is called with the resource's name, which an encrypted value is bound to.
        """
        self._tenants.check(namespace)
        self.refuse_duplicate(namespace, title)
        for name in names.candidates(title, self.kind.lower()):
            body = {
                "apiVersion": API_VERSION,
                "kind": self.kind,
                "metadata": {"name": name, "namespace": namespace},
                "spec": spec(name),
            }
            try:
                created = await self._client.create(
                    self._cache.resource, body, namespace, impersonate=caller.within(namespace)
                )
            except AlreadyExists:
                await self._refuse_twin(namespace, name, title)
                continue
            except KubeError as error:
                raise from_kube(error) from error
            return self._observed(created)
        raise self._duplicate(title)

    async def modify(self, caller: Caller, identifier: str, change: Callable[[Object], Object]) -> Object:
        """Replace the spec by what `change` makes of the stored object; again where that has changed."""
        item = self.get(identifier)
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        for attempt in range(ATTEMPTS):
            try:
                stored = await self._client.get(self._cache.resource, name, namespace)
                if stored["metadata"]["uid"] != item["metadata"]["uid"]:
                    raise self._not_found()
                body = {**stored, "spec": change(stored)}
                if body["spec"] == stored["spec"]:
                    return self._observed(stored)
                written = await self._client.replace(
                    self._cache.resource, name, body, namespace, impersonate=caller.within(namespace)
                )
            except Gone as error:
                self._cache.forget(item)
                raise self._not_found() from error
            except Changed as error:
                if attempt == ATTEMPTS - 1:
                    raise from_kube(error) from error
            except KubeError as error:
                raise from_kube(error) from error
            else:
                return self._observed(written)
        raise AssertionError("the loop either returns or raises")

    async def delete(self, caller: Caller, identifier: str) -> None:
        """Remove one; NotFound."""
        item = self.get(identifier)
        metadata = item["metadata"]
        try:
            await self._client.delete(
                self._cache.resource,
                metadata["name"],
                metadata["namespace"],
                uid=metadata["uid"],
                impersonate=caller.within(metadata["namespace"]),
            )
        except Gone as error:
            self._cache.forget(item)
            raise self._not_found() from error
        except KubeError as error:
            raise from_kube(error) from error
        self._cache.forget(item)

    def refuse_duplicate(self, namespace: str, title: str, *, but: str | None = None) -> None:
        """Conflict where another than `but` (a UID) has this title already."""
        for item in self._cache.items():
            metadata = item["metadata"]
            same = metadata["namespace"] == namespace and names.display(item) == title
            if same and metadata["uid"] != but:
                raise self._duplicate(title)

    def _observed(self, item: Object) -> Object:
        """Into the cache, and out as the cache keeps it; the stored one may be newer already."""
        self._cache.observe(item)
        metadata = item["metadata"]
        return self._cache.get(metadata["namespace"], metadata["name"]) or item

    async def _refuse_twin(self, namespace: str, name: str, title: str) -> None:
        """The name is taken: by the same title (which the cache had not seen yet), or by chance."""
        try:
            twin = await self._client.get(self._cache.resource, name, namespace)
        except Gone:
            return
        except KubeError as error:
            raise from_kube(error) from error
        if names.display(twin) == title:
            self._observed(twin)
            raise self._duplicate(title)

    def _duplicate(self, title: str) -> Conflict:
        kind = self.kind.lower()
        return Conflict("duplicate_name", f"there is a {kind} named {title!r} in this namespace already")

    def _not_found(self) -> NotFound:
        kind = self.kind.lower()
        return NotFound(f"{kind}_not_found", f"there is no {kind} with this id")


def checked_title(title: str | None) -> str:
    """A name as people give it; Invalid where it is missing or cannot be read."""
    if title is None:
        raise invalid_field("name", "is missing")
    if not title.strip() or len(title) > MAX_TITLE or not title.isprintable():
        raise invalid_field("name", f"should be 1 to {MAX_TITLE} printable characters")
    return title


def _age(item: Object) -> tuple[str, str]:
    return item["metadata"]["creationTimestamp"], item["metadata"]["uid"]
