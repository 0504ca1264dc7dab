"""A client of the API server: raw objects in and out, every failure one of `errors`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import orjson

from tailrace_kube import errors
from tailrace_kube.config import Config
from tailrace_kube.resources import PODS, Resource
from tailrace_kube.transport import Transport

Object = dict[str, Any]
PatchKind = Literal["merge", "json", "apply"]

PAGE = 500
REQUEST_TIMEOUT = 30.0
INACTIVITY = 75.0
"""Seconds without a byte after which a watch counts as dead; the server sends a bookmark every minute."""

_CONTENT_TYPES: dict[PatchKind, str] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


@dataclass(frozen=True)
class Impersonation:
    """Whom the API server shall take the caller for; access control and audit see that user."""

    user: str
    groups: tuple[str, ...] = ()
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def headers(self) -> list[tuple[str, str]]:
        """As HTTP headers; an extra's key is percent-encoded, as the API server asks."""
        headers = [("Impersonate-User", self.user)]
        headers += [("Impersonate-Group", group) for group in self.groups]
        for key, values in self.extra.items():
            headers += [(f"Impersonate-Extra-{quote(key, safe='')}", value) for value in values]
        return headers


class Client:
    """Talks to one API server over a pool of connections; an asynchronous context manager."""

    def __init__(self, config: Config, *, timeout: float = REQUEST_TIMEOUT) -> None:
        self.config = config
        self._http = Transport(config, timeout)

    async def __aenter__(self) -> Self:
        """Open the pool of connections."""
        self._http.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._http.close()

    async def get(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        impersonate: Impersonation | None = None,
    ) -> Object:
        """One object; NotFound."""
        return await self._http.json("GET", _path(resource, namespace, name), headers=_headers(impersonate))

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int | None = None,
        impersonate: Impersonation | None = None,
    ) -> Object:
        """All objects, in pages of `limit`: `{"metadata": {"resourceVersion"}, "items": […]}`."""
        items: list[Object] = []
        metadata: Object = {}
        async for page in self.pages(
            resource,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            limit=limit or PAGE,
            impersonate=impersonate,
        ):
            items += page["items"]
            metadata = page["metadata"]
        return {"metadata": metadata, "items": items}

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int = PAGE,
        impersonate: Impersonation | None = None,
    ) -> AsyncIterator[Object]:
        """The pages of a list, each object with its apiVersion and kind; Gone where a page came too late."""
        query = _query(labelSelector=label_selector, fieldSelector=field_selector, limit=limit)
        path = _path(resource, namespace)
        while True:
            page = await self._http.json("GET", path, query=query, headers=_headers(impersonate))
            page["items"] = page.get("items") or []
            for item in page["items"]:
                item.setdefault("apiVersion", resource.api_version)
                item.setdefault("kind", resource.kind)
            yield page
            token = page["metadata"].get("continue")
            if not token:
                return
            query = {**query, "continue": token}

    async def create(
        self,
        resource: Resource,
        body: Object,
        namespace: str | None = None,
        *,
        impersonate: Impersonation | None = None,
        dry_run: bool = False,
    ) -> Object:
        """A new object as stored; AlreadyExists, Invalid. Reviews (TokenReview, …) are created too."""
        query = _query(dryRun="All" if dry_run else None)
        path = _path(resource, namespace)
        return await self._http.json("POST", path, query=query, content=body, headers=_headers(impersonate))

    async def replace(
        self,
        resource: Resource,
        name: str,
        body: Object,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        impersonate: Impersonation | None = None,
    ) -> Object:
        """The whole object anew; Conflict where its resourceVersion is not the stored one."""
        path = _path(resource, namespace, name, subresource)
        return await self._http.json("PUT", path, content=body, headers=_headers(impersonate))

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Any,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        kind: PatchKind = "merge",
        field_manager: str | None = None,
        force: bool = False,
        impersonate: Impersonation | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Part of an object; Conflict where the patch's resourceVersion is not the stored one."""
        query = _query(
            fieldManager=field_manager, force="true" if force else None, dryRun="All" if dry_run else None
        )
        path = _path(resource, namespace, name, subresource)
        return await self._http.json(
            "PATCH",
            path,
            query=query,
            content=body,
            content_type=_CONTENT_TYPES[kind],
            headers=_headers(impersonate),
        )

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        uid: str | None = None,
        grace: int | None = None,
        impersonate: Impersonation | None = None,
    ) -> Object:
        """Remove an object; NotFound, and Conflict where `uid` is another object's. `grace` in seconds."""
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        return await self._http.json(
            "DELETE", _path(resource, namespace, name), content=options, headers=_headers(impersonate)
        )

    async def log(
        self, pod: str, namespace: str, *, container: str | None = None, limit_bytes: int | None = None
    ) -> str:
        """What a container has written so far, at most `limit_bytes` from its beginning."""
        query = _query(container=container, limitBytes=limit_bytes)
        return (await self._http.body("GET", _path(PODS, namespace, pod, "log"), query=query)).decode(
            errors="replace"
        )

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        resource_version: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        bookmarks: bool = True,
        timeout: int | None = None,  # noqa: ASYNC109 - the server's own limit of the watch, in seconds
        inactivity: float = INACTIVITY,
    ) -> AsyncIterator[tuple[str, Object]]:
        """Changes as they happen: `("ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK", object)`.

        Without a resource_version, what exists comes first, as ADDED. Ends where the server ends it; raises
        Gone where the version is too old, Unavailable where nothing has come for `inactivity` seconds.
        """
        query = _query(
            watch="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
            allowWatchBookmarks="true" if bookmarks else None,
            timeoutSeconds=timeout,
        )
        async for line in self._http.lines(_path(resource, namespace), query, inactivity):
            event = orjson.loads(line)
            if event["type"] == "ERROR":
                raise errors.from_status(event["object"])
            yield event["type"], event["object"]


def _path(
    resource: Resource, namespace: str | None, name: str | None = None, subresource: str | None = None
) -> str:
    try:
        return resource.path(namespace, name, subresource)
    except ValueError as error:
        raise errors.NotFound(str(error), status=404, reason="NotFound") from error


def _query(**values: str | int | None) -> dict[str, str]:
    return {key: str(value) for key, value in values.items() if value is not None}


def _headers(impersonate: Impersonation | None) -> list[tuple[str, str]]:
    return impersonate.headers() if impersonate is not None else []
