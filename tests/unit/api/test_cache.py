"""The cache: own writes at once, the watch's word in the end."""

from typing import Any

import pytest

from tailrace_api.cluster import projections
from tailrace_api.cluster.cache import GRACE_SECONDS, Cache
from tailrace_kube.resources import FLOWS


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> Cache:
    return Cache(None, FLOWS, projections.whole, clock=clock)  # type: ignore[arg-type] # never asked


def item(name: str, version: int, uid: str = "", **labels: str) -> dict[str, Any]:
    metadata = {
        "namespace": "ns",
        "name": name,
        "uid": uid or f"uid-{name}",
        "resourceVersion": str(version),
        "creationTimestamp": "2026-03-25T10:00:00Z",
        "labels": labels,
    }
    return {"metadata": metadata, "spec": {"version": version}}


def seen(cache: Cache, new: dict[str, Any] | None, old: dict[str, Any] | None = None) -> None:
    cache._on_change("MODIFIED" if new else "DELETED", old, new)


def version(cache: Cache, name: str = "a") -> int | None:
    found = cache.get("ns", name)
    return None if found is None else int(found["spec"]["version"])


def test_an_own_write_is_there_at_once(cache: Cache) -> None:
    cache.observe(item("a", 5))
    assert version(cache) == 5
    assert cache.by_id("uid-a") is not None


def test_the_newer_of_watch_and_write_wins(cache: Cache) -> None:
    cache.observe(item("a", 5))
    seen(cache, item("a", 4))
    assert version(cache) == 5
    seen(cache, item("a", 10))
    cache.observe(item("a", 9))
    assert version(cache) == 10


def test_what_was_deleted_does_not_come_back(cache: Cache) -> None:
    seen(cache, item("a", 5))
    cache.forget(item("a", 5))
    seen(cache, item("a", 6))
    cache.observe(item("a", 7))
    assert version(cache) is None
    assert cache.by_id("uid-a") is None


def test_another_object_of_the_same_name_is_another(cache: Cache) -> None:
    seen(cache, item("a", 5))
    cache.forget(item("a", 5))
    cache.observe(item("a", 9, uid="second"))
    seen(cache, None, item("a", 8))  # the watch tells of the first one's end
    assert version(cache) == 9
    assert cache.by_id("second") is not None
    assert cache.by_id("uid-a") is None


def test_a_recreated_object_replaces_the_old_whatever_its_version(cache: Cache) -> None:
    seen(cache, item("a", 5))
    seen(cache, item("a", 6, uid="second"))
    assert cache.by_id("uid-a") is None
    assert cache.by_id("second") is not None


def test_a_write_that_the_watch_never_confirms_goes(cache: Cache, clock: Clock) -> None:
    cache.observe(item("a", 5))
    clock.now = GRACE_SECONDS - 1
    assert version(cache) == 5
    clock.now = GRACE_SECONDS
    assert version(cache) is None


def test_a_write_that_the_watch_confirms_stays(cache: Cache, clock: Clock) -> None:
    cache.observe(item("a", 5))
    seen(cache, item("a", 5))
    clock.now = GRACE_SECONDS + 1
    assert version(cache) == 5


def test_a_label_is_the_id_but_cannot_take_another_s(cache: Cache) -> None:
    seen(cache, item("a", 1))
    seen(cache, item("thief", 2, **{"tailrace.dev/id": "uid-a"}))
    found = cache.by_id("uid-a")
    assert found is not None
    assert found["metadata"]["name"] == "a"
    seen(cache, item("restored", 3, **{"tailrace.dev/id": "old-id"}))
    seen(cache, item("second", 4, **{"tailrace.dev/id": "old-id"}))
    first = cache.by_id("old-id")
    assert first is not None
    assert first["metadata"]["name"] == "restored"


def test_listeners_are_told_of_every_change(cache: Cache) -> None:
    told: list[tuple[Any, Any]] = []
    cache.listeners.append(lambda old, new: told.append((old, new)))
    cache.observe(item("a", 1))
    cache.observe(item("a", 1))
    cache.forget(item("a", 1))
    assert [(old is None, new is None) for old, new in told] == [(True, False), (False, True)]


def test_observing_does_not_change_what_it_was_given(cache: Cache) -> None:
    given = item("a", 1)
    given["metadata"]["managedFields"] = [{"time": "2026-03-25T11:00:00Z"}]
    cache.observe(given)
    assert "managedFields" in given["metadata"]
    found = cache.get("ns", "a")
    assert found is not None
    assert found["metadata"]["annotations"][projections.UPDATED_AT] == "2026-03-25T11:00:00Z"


def test_a_status_is_no_change_of_the_author_s() -> None:
    managed = [
        {"time": "2026-03-25T11:00:00Z"},
        {"time": "2026-03-25T12:00:00Z", "subresource": "status"},
    ]
    given = item("a", 1)
    given["metadata"]["managedFields"] = managed
    assert projections.whole(given)["metadata"]["annotations"][projections.UPDATED_AT] == managed[0]["time"]


def test_a_run_is_kept_short() -> None:
    run = {
        "metadata": {"name": "r", "uid": "u", "managedFields": [1], "annotations": {"a": "b"}},
        "spec": {
            "flow": "f",
            "inputs": {"big": "x"},
            "trigger": {"type": "webhook", "payload": {"big": "x"}},
        },
        "status": {"phase": "Running", "tasks": [1], "outputs": {"big": "x"}, "claim": {"podUID": "p"}},
    }
    assert projections.run(run) == {
        "apiVersion": None,
        "kind": None,
        "metadata": {"name": "r", "uid": "u"},
        "spec": {"flow": "f", "trigger": {"type": "webhook"}},
        "status": {"phase": "Running", "claim": {"podUID": "p"}},
    }
