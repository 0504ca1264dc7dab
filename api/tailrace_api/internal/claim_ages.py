"""Which claims have gone stale: held, not ended, not renewed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tailrace_api.core.clock import Clock
from tailrace_api.store.claims import Renewal
from tailrace_crds.phases import is_terminal

Object = dict[str, Any]


@dataclass(frozen=True)
class StaleClaim:
    """A claim and when it was last renewed."""

    namespace: str
    run: str
    uid: str
    pod_uid: str
    renewed_at: datetime


class ClaimAges:
    """Remembers since when this process knows each claim.

    A claim cannot be renewed while the facade is away. So its age counts from its last renewal or from the
    moment when this process first saw it, whichever is later: a restart of ours takes no Run from its pod.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._claims: dict[str, tuple[Object, datetime]] = {}

    def on_change(self, old: Object | None, new: Object | None) -> None:
        """A Run in the cache has changed."""
        if new is None or _holder(new) is None:
            gone = new or old
            if gone is not None:
                self._claims.pop(gone["metadata"]["uid"], None)
            return
        uid = new["metadata"]["uid"]
        known = self._claims.get(uid)
        same = known is not None and _holder(known[0]) == _holder(new)
        self._claims[uid] = (new, known[1] if known is not None and same else self._clock())

    def older(self, renewals: Mapping[str, Renewal], before: datetime) -> list[StaleClaim]:
        """The claims whose last sign of life was before this moment."""
        return list(_stale(self._claims.values(), renewals, before))


def _stale(
    claims: Iterable[tuple[Object, datetime]], renewals: Mapping[str, Renewal], before: datetime
) -> Iterable[StaleClaim]:
    for run, seen in claims:
        metadata, holder = run["metadata"], _holder(run)
        renewal = renewals.get(metadata["uid"])
        own = renewal is not None and renewal.pod_uid == holder
        last = max(seen, renewal.renewed_at) if renewal is not None and own else seen
        if holder is not None and last < before:
            yield StaleClaim(metadata["namespace"], metadata["name"], metadata["uid"], holder, last)


def _holder(run: Object) -> str | None:
    """The pod that executes the Run now, or None."""
    status = run.get("status") or {}
    if is_terminal(status.get("phase")):
        return None
    claim = status.get("claim") or {}
    return claim.get("podUID")
