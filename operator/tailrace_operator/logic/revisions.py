"""A Flow's spec as a revision: the same spec, however written, is the same revision."""

import hashlib
import json
from typing import Any

from tailrace_crds.meta import FLOW_LABEL, MANAGED_BY_LABEL
from tailrace_operator.logic import names


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(spec: dict[str, Any]) -> str:
    """SHA-256 of the canonical spec, in hex."""
    return hashlib.sha256(canonical(spec)).hexdigest()


def build(flow: dict[str, Any], number: int) -> dict[str, Any]:
    """The ControllerRevision that pins a Flow as it is now; `number` rises with every new one."""
    metadata = flow["metadata"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": names.revision(metadata["name"], digest(flow["spec"])),
            "namespace": metadata["namespace"],
            "labels": {FLOW_LABEL: names.label(metadata["name"]), MANAGED_BY_LABEL: "tailrace"},
            "ownerReferences": [owner(flow)],
        },
        "revision": number,
        "data": {"spec": flow["spec"]},
    }


def owner(flow: dict[str, Any]) -> dict[str, Any]:
    """The ownerReference with which a revision goes when its Flow goes."""
    return {
        "apiVersion": flow["apiVersion"],
        "kind": flow["kind"],
        "name": flow["metadata"]["name"],
        "uid": flow["metadata"]["uid"],
        "controller": True,
    }


def is_owned(revision: dict[str, Any], flow: dict[str, Any]) -> bool:
    """Whether a revision is this Flow's, and not that of a deleted one of the same name."""
    owners = revision["metadata"].get("ownerReferences") or []
    return any(item.get("uid") == flow["metadata"]["uid"] for item in owners)
