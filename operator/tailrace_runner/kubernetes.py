"""The few calls that a runner may make to the API server: watch, read and patch Runs."""

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from tailrace_runner.errors import ServerError
from tailrace_runner.http import Client, Response, TokenFile, Unreachable
from tailrace_runner.settings import Settings

WATCH_SECONDS = 240
QUIET_SECONDS = WATCH_SECONDS + 30
RECONNECT_SECONDS = (0.2, 2.0)
MAX_EVENT = 8 * 1024 * 1024


def connect(settings: Settings) -> Client:
    """A client for the API server, as the pod's service account."""
    tls = ssl.create_default_context(cafile=str(settings.kube_ca))
    return Client(settings.api_server, tls, TokenFile(settings.token))


class Runs:
    """The Runs of one namespace. Objects are plain documents."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._path = f"/apis/tailrace.dev/v1alpha1/namespaces/{quote(namespace)}/runs"

    async def get(self, name: str) -> dict[str, Any]:
        """Raises ServerError (404 where there is none) and Unreachable."""
        return _checked(await self._client.request("GET", f"{self._path}/{quote(name)}"))

    async def patch_status(self, name: str, resource_version: str, status: dict[str, Any]) -> dict[str, Any]:
        """Replace these fields of a status; ServerError 409 where the Run has changed since.

        A merge patch cannot write a null, it would delete the key: outputs with nulls go as a JSON patch.
        """
        content_type, body = _patch(resource_version, status)
        path = f"{self._path}/{quote(name)}/status?fieldManager=tailrace-runner"
        return _checked(await self._client.request("PATCH", path, body, content_type=content_type))

    async def watch(self, pod_uid: str) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        """What happens to the Runs assigned to a pod, for ever; begins with those that exist.

        A new connection begins so again: the caller sees the same state twice, and never misses one.
        DELETED: the Run is gone, or has been given to another pod.
        """
        query = urlencode(
            {
                "watch": "true",
                "fieldSelector": f"status.assigned.podUID={pod_uid}",
                "allowWatchBookmarks": "true",
                "timeoutSeconds": WATCH_SECONDS,
            }
        )
        while True:
            try:
                async with aclosing(self._events(f"{self._path}?{query}")) as events:
                    async for kind, run in events:
                        yield kind, run
            except (Unreachable, ServerError, TimeoutError):
                await asyncio.sleep(random.uniform(*RECONNECT_SECONDS))  # noqa: S311 - spreads load

    async def _events(self, path: str) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        async with self._client.stream(path) as (status, chunks):
            if status != 200:  # noqa: PLR2004 - HTTP's OK
                raise ServerError(status, "watch_refused", "the API server refused the watch")
            async for line in _lines(chunks):
                event = orjson.loads(line)
                if event["type"] == "ERROR":
                    raise ServerError(
                        event["object"].get("code", 500), "watch_ended", "the watch has expired"
                    )
                if event["type"] != "BOOKMARK":
                    yield event["type"], event["object"]


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    pending = b""
    while True:
        async with asyncio.timeout(QUIET_SECONDS):
            chunk = await anext(chunks, None)
        if chunk is None:
            return
        *whole, pending = (pending + chunk).split(b"\n")
        if len(pending) > MAX_EVENT:
            raise Unreachable("an event of the watch is too large")
        for line in whole:
            if line:
                yield line


def _patch(resource_version: str, status: dict[str, Any]) -> tuple[str, Any]:
    if not _holds_null(status):
        body = {"metadata": {"resourceVersion": resource_version}, "status": status}
        return "application/merge-patch+json", body
    operations = [{"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}]
    operations += [{"op": "add", "path": f"/status/{key}", "value": value} for key, value in status.items()]
    return "application/json-patch+json", operations


def _holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_null(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_null(item) for item in value)
    return value is None


def _checked(response: Response) -> dict[str, Any]:
    if response.status < 300:  # noqa: PLR2004 - HTTP's successes
        document: dict[str, Any] = response.json()
        return document
    try:
        status = response.json()
        reason, message = str(status.get("reason", "")), str(status.get("message", ""))
    except (ValueError, AttributeError):
        reason, message = "", response.body[:200].decode(errors="replace")
    raise ServerError(response.status, reason, message)
