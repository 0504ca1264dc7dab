"""All task types by id. Knowing the ids imports none of them; asking for one imports that one."""

import importlib
import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tailrace_crds.language.problems import suggestion
from tailrace_plugins.base import Plugin

if TYPE_CHECKING:
    from tailrace_crds.language.manifest import Manifest

BUILTIN = {
    "container.run": "tailrace_plugins.container.run:ContainerRun",
    "http.request": "tailrace_plugins.http.request:HttpRequest",
    "json.query": "tailrace_plugins.json.query:JsonQuery",
    "kv.get": "tailrace_plugins.kv.get:KvGet",
    "kv.set": "tailrace_plugins.kv.set:KvSet",
    "script.python": "tailrace_plugins.script.python:ScriptPython",
    "util.fail": "tailrace_plugins.util.fail:UtilFail",
    "util.log": "tailrace_plugins.util.log:UtilLog",
    "util.set": "tailrace_plugins.util.set:UtilSet",
    "util.sleep": "tailrace_plugins.util.sleep:UtilSleep",
}
"""The plugins of this distribution: id → "module:Class"."""

_LOG = logging.getLogger(__name__)

GROUP = "tailrace.plugins"
"""The entry points by which other distributions add theirs."""


class UnknownPlugin(LookupError):  # noqa: N818 — it says what was looked for
    """There is no task type of this id; the message names the nearest."""


@lru_cache(maxsize=1)
def index() -> dict[str, str]:
    """Every id and where its class is; a built-in id cannot be taken by another distribution."""
    import importlib.metadata  # it takes longer to load than a task

    found: dict[str, str] = {}
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            offered = entry.load()
            found.update(offered() if callable(offered) else offered)
        except Exception as error:  # noqa: BLE001 — one distribution's fault is not that of all task types
            _LOG.warning("the task types of %s cannot be loaded: %s", entry.value, error)
    return dict(sorted({**found, **BUILTIN}.items()))


def ids() -> list[str]:
    """All known task types, sorted."""
    return list(index())


@lru_cache(maxsize=256)
def get(id: str) -> type[Plugin[Any, Any]]:  # noqa: A002 — a plugin's id is called that everywhere
    """The class of a task type, its module imported; UnknownPlugin where there is none."""
    place = BUILTIN.get(id) or index().get(id)
    if place is None:
        raise UnknownPlugin(f"unknown task type {id}{suggestion(id, ids())}")
    module, _, name = place.partition(":")
    plugin: type[Plugin[Any, Any]] = getattr(importlib.import_module(module), name)
    return plugin


@lru_cache(maxsize=256)
def manifest(id: str) -> "Manifest | None":  # noqa: A002 — the same
    """A task type as data; None where there is none of that id."""
    return get(id).manifest() if id in BUILTIN or id in index() else None


def all() -> "list[Manifest]":  # noqa: A001 — read as catalogue.all
    """Every task type as data, by id."""
    return [get(id_).manifest() for id_ in ids()]


def categories() -> dict[str, int]:
    """The categories and how many task types each has; the first part of an id is its category."""
    counts: dict[str, int] = {}
    for id_ in ids():
        category = id_.partition(".")[0]
        counts[category] = counts.get(category, 0) + 1
    return counts
