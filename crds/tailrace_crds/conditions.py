"""Every condition and its reasons, as named constructors: all that a user can read in a status."""

from typing import Any

from tailrace_crds.meta import Condition


def _condition(
    kind: str, status: str, reason: str, message: str, *, now: str, generation: int | None = None
) -> Condition:
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message,
        last_transition_time=now,
        observed_generation=generation,
    )


def ready(now: str, generation: int | None = None, message: str = "") -> Condition:
    """The resource can do its work."""
    return _condition("Ready", "True", "Ready", message, now=now, generation=generation)


def invalid(now: str, generation: int | None, message: str) -> Condition:
    """The spec can never work as it stands; the message says where and what would be right."""
    return _condition("Ready", "False", "Invalid", message, now=now, generation=generation)


def not_a_tenant(now: str, generation: int | None, namespace: str, label: str) -> Condition:
    """The namespace is none of those that Tailrace serves."""
    message = f"namespace {namespace} is not a tenant: label it with {label}=true"
    return _condition("Ready", "False", "NamespaceNotATenant", message, now=now, generation=generation)


def credential_missing(now: str, generation: int | None, names: list[str]) -> Condition:
    """The flow is right but would fail today: it names credentials that do not exist."""
    message = "missing credentials: " + ", ".join(names)
    return _condition("Ready", "False", "CredentialMissing", message, now=now, generation=generation)


def flow_missing(now: str, generation: int | None, flow: str) -> Condition:
    """A Trigger names a Flow that does not exist."""
    return _condition(
        "Ready", "False", "FlowMissing", f"flow {flow} does not exist", now=now, generation=generation
    )


def secret_unreadable(now: str, generation: int | None, message: str) -> Condition:
    """A Credential's value cannot be read or decrypted."""
    return _condition("Ready", "False", "ValueUnreadable", message, now=now, generation=generation)


def unbound(now: str, generation: int | None) -> Condition:
    """A Credential without hosts: it may be sent to any public host."""
    return _condition(
        "Unbound",
        "True",
        "NoHosts",
        "no hosts are set: any public host may receive it",
        now=now,
        generation=generation,
    )


def complete(now: str, message: str = "") -> Condition:
    """A Run has succeeded, in whole or in part; named as a Job's, so that `kubectl wait` works."""
    return _condition("Complete", "True", "Succeeded", message, now=now)


def failed(now: str, reason: str, message: str) -> Condition:
    """A Run has failed, was cancelled or timed out; the reason is the phase or what caused it."""
    return _condition("Failed", "True", reason, message, now=now)


def merge(old: list[dict[str, Any]], new: list[Condition]) -> list[dict[str, Any]]:
    """New conditions as they go on the wire; a transition time changes only where the status does."""
    before = {item.get("type"): item for item in old}
    merged = []
    for condition in new:
        wire = condition.model_dump(mode="json", by_alias=True, exclude_none=True)
        previous = before.get(condition.type)
        if previous is not None and previous.get("status") == condition.status:
            wire["lastTransitionTime"] = previous.get("lastTransitionTime", condition.last_transition_time)
        merged.append(wire)
    return merged
