"""The informer against a real API server, by a connection that can be cut or fall silent."""

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tailrace_kube import Client, Informer, load
from tailrace_kube.resources import CONFIGMAPS, NAMESPACES


class Line:
    """A TCP connection to the API server that can be cut (refused) or muted (nothing comes through)."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    def mute(self) -> None:
        self._open.clear()

    def unmute(self) -> None:
        self._open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, there_writer}
        await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.fixture
async def client(kube_config: str) -> AsyncIterator[Client]:
    async with Client(load(kube_config)) as client:
        yield client


@pytest.fixture
async def namespace(client: Client) -> str:
    name = f"kube-part-{uuid.uuid4().hex[:8]}"
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
async def line(kube_config: str) -> AsyncIterator[Line]:
    address = urlsplit(load(kube_config).server)
    line = Line(str(address.hostname), int(address.port or 443))
    await line.start()
    yield line
    line.unmute()
    await line.cut()


class Following:
    """An informer on ConfigMaps at work, and the changes that it told of."""

    def __init__(self, client: Client, namespace: str, **options: Any) -> None:
        self.changes: list[tuple[str, str]] = []
        self.informer = Informer(
            client,
            CONFIGMAPS,
            namespace=namespace,
            project=lambda item: {
                "metadata": {key: item["metadata"][key] for key in ("name", "namespace", "resourceVersion")},
                "colour": (item.get("data") or {}).get("colour"),
            },
            on_change=self._changed,
            indexes={"colour": lambda item: [item["colour"]] if item["colour"] else []},
            **options,
        )

    def _changed(self, kind: str, old: Any, new: Any) -> None:
        self.changes.append((kind, (new or old)["metadata"]["name"]))

    def names(self) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.informer.items())

    def coloured(self, colour: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.informer.by_index("colour", colour))


@contextlib.asynccontextmanager
async def following(client: Client, namespace: str, **options: Any) -> AsyncIterator[Following]:
    found = Following(client, namespace, **options)
    task = asyncio.create_task(found.informer.run())
    try:
        await asyncio.wait_for(found.informer.synced.wait(), 5)
        yield found
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def put(client: Client, namespace: str, name: str, colour: str = "red") -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"colour": colour}}
    await client.create(CONFIGMAPS, body, namespace)


async def until(right: Any, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not right():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)


async def test_it_follows_and_keeps_only_what_the_projection_leaves(client: Client, namespace: str) -> None:
    await put(client, namespace, "one")
    async with following(client, namespace) as found:
        assert found.names() == ["one"]
        await put(client, namespace, "two")
        await client.patch(CONFIGMAPS, "one", {"data": {"colour": "blue"}}, namespace)
        await until(lambda: found.coloured("blue") == ["one"])
        assert found.coloured("red") == ["two"]
        await client.delete(CONFIGMAPS, "two", namespace)
        await until(lambda: found.names() == ["one"])
        assert found.coloured("red") == []
        assert found.changes == [("ADDED", "one"), ("ADDED", "two"), ("MODIFIED", "one"), ("DELETED", "two")]
        assert set(found.informer.get(namespace, "one") or {}) == {"metadata", "colour"}


async def test_after_a_cut_it_goes_on_without_a_gap(
    client: Client, namespace: str, kube_config: str, line: Line
) -> None:
    async with through(kube_config, line) as cuttable, following(cuttable, namespace) as found:
        await put(client, namespace, "before")
        await until(lambda: found.names() == ["before"])
        await line.cut()
        await put(client, namespace, "meanwhile")
        await client.delete(CONFIGMAPS, "before", namespace)
        await asyncio.sleep(1)
        assert found.names() == ["before"]
        await line.start()
        await until(lambda: found.names() == ["meanwhile"])
        assert found.changes[-2:] == [("ADDED", "meanwhile"), ("DELETED", "before")]


async def test_after_a_long_cut_it_lists_anew_and_tells_of_what_has_gone(
    client: Client, namespace: str, kube_config: str, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tailrace_kube.informer.FAILURES_BEFORE_RELIST", 2)
    await put(client, namespace, "stays")
    await put(client, namespace, "goes")
    async with through(kube_config, line) as cuttable, following(cuttable, namespace) as found:
        await line.cut()
        await client.delete(CONFIGMAPS, "goes", namespace)
        await put(client, namespace, "comes")
        await asyncio.sleep(1)
        await line.start()
        await until(lambda: found.names() == ["comes", "stays"])
        assert sorted(found.changes[2:]) == [("ADDED", "comes"), ("DELETED", "goes")]


async def test_a_watch_that_has_died_silently_is_noticed(
    client: Client, namespace: str, kube_config: str, line: Line
) -> None:
    async with through(kube_config, line) as mutable, following(mutable, namespace, inactivity=1.0) as found:
        line.mute()
        await put(client, namespace, "one")
        await asyncio.sleep(0.8)
        assert found.names() == []
        assert found.informer.seconds_since_contact > 0.7
        line.unmute()
        await until(lambda: found.names() == ["one"])
        assert found.informer.seconds_since_contact < 1


async def test_a_listener_that_fails_does_not_end_the_watch(client: Client, namespace: str) -> None:
    async with following(client, namespace) as found:
        found.informer._on_change = lambda *change: 1 / 0
        await put(client, namespace, "one")
        await put(client, namespace, "two")
        await until(lambda: found.names() == ["one", "two"])


@contextlib.asynccontextmanager
async def through(kube_config: str, line: Line) -> AsyncIterator[Client]:
    config = dataclasses.replace(load(kube_config), server=f"https://127.0.0.1:{line.port}")
    async with Client(config) as client:
        yield client
