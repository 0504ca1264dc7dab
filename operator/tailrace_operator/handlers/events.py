"""Events on Runs: each has a name derived from what it tells, so that it is told once."""

from datetime import datetime
from typing import Any

import structlog

from tailrace_crds.meta import API_VERSION
from tailrace_kube import Client, errors
from tailrace_kube.resources import EVENTS
from tailrace_operator.logic import names, times

Object = dict[str, Any]

MAX_MESSAGE = 1000

log = structlog.get_logger(__name__)


def of_end(run: Object, pod: str, now: datetime) -> Object:
    """The Event of a Run's end."""
    reason = f"Run{run['status']['phase']}"
    return build(run, reason, reason, _summary(run), pod, now)


def build(run: Object, identity: str, reason: str, message: str, pod: str, now: datetime) -> Object:
    """An Event; `identity` tells it from the others of the same Run, `pod` is who tells."""
    metadata = run["metadata"]
    good = reason in {"RunSucceeded", "RunPartial"}
    time = times.text(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": names.event(metadata["name"], metadata["uid"], identity),
            "namespace": metadata["namespace"],
        },
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": "Run",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": "Normal" if good else "Warning",
        "reason": reason,
        "message": message[:MAX_MESSAGE],
        "source": {"component": "tailrace-operator"},
        "reportingComponent": "tailrace-operator",
        "reportingInstance": pod,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }


async def post(client: Client, event: Object) -> None:
    """Create it; no error where it is there, or where the namespace, being deleted, takes none."""
    try:
        await client.create(EVENTS, event, event["metadata"]["namespace"])
    except errors.AlreadyExists:
        return
    except (errors.Forbidden, errors.NotFound) as error:
        log.info("event refused", run=event["involvedObject"]["name"], error=error.message)


def _summary(run: Object) -> str:
    status = run["status"]
    seconds = (status.get("durationMs") or 0) / 1000
    parts = [f"flow {run['spec']['flow']}, {seconds:.1f} s"]
    if status.get("progress"):
        parts.append(f"tasks {status['progress']}")
    detail = ": ".join(text for text in (status.get("reason"), status.get("message")) if text)
    return ", ".join(parts) + (f"; {detail}" if detail else "")
