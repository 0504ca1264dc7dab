"""A Run's attempt as a Job: the restricted pod profile, the files and variables of the protocol."""

from typing import Any

from tailrace_crds.language import durations
from tailrace_crds.meta import (
    ATTEMPT_LABEL,
    COMPONENT_LABEL,
    FLOW_LABEL,
    INTERNAL_AUDIENCE,
    MANAGED_BY_LABEL,
    RUN_LABEL,
    RUNNER_SERVICE_ACCOUNT,
)
from tailrace_operator.jobs.observe import REVISION_ANNOTATION
from tailrace_operator.logic import names
from tailrace_operator.settings import Settings

Object = dict[str, Any]

USER = 65532
"""The numeric user of every pod: "nonroot" of the usual minimal images."""
GRACE_SECONDS = 10
DEADLINE_MARGIN = 300
MOUNT = "/var/run/tailrace"


def runner_job(run: Object, spec: Object, revision: str, attempt: int, settings: Settings) -> Object:
    """The Job of an attempt; `spec` is the pinned revision's."""
    metadata = run["metadata"]
    labels = {
        RUN_LABEL: names.label(metadata["name"]),
        ATTEMPT_LABEL: str(attempt),
        FLOW_LABEL: names.label(run["spec"]["flow"]),
        MANAGED_BY_LABEL: "tailrace",
        COMPONENT_LABEL: "runner",
    }
    runner = spec.get("runner") or {}
    pod = restricted_pod(_container(runner, settings))
    pod |= {
        "serviceAccountName": RUNNER_SERVICE_ACCOUNT,
        "volumes": [_identity_volume(), {"name": "tmp", "emptyDir": {}}],
    }
    if runner.get("nodeSelector"):
        pod["nodeSelector"] = runner["nodeSelector"]
    if settings.runner_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in settings.runner_pull_secrets]
    return job(
        names.job(metadata["name"], metadata["uid"], attempt),
        run,
        labels,
        {RUN_LABEL: metadata["name"], REVISION_ANNOTATION: revision},
        pod,
        deadline=deadline(spec.get("timeout")),
    )


def job(
    name: str, run: Object, labels: Object, annotations: Object, pod: Object, *, deadline: int | None
) -> Object:
    """A Job that runs one pod once and goes with its Run."""
    metadata = {"labels": labels, "annotations": annotations}
    spec: Object = {
        "backoffLimit": 0,
        "completions": 1,
        "parallelism": 1,
        "template": {"metadata": metadata, "spec": pod},
    }
    if deadline is not None:
        spec["activeDeadlineSeconds"] = deadline
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": run["metadata"]["namespace"],
            "ownerReferences": [owner(run)],
            **metadata,
        },
        "spec": spec,
    }


def owner(run: Object) -> Object:
    """The ownerReference with which a Job goes when its Run goes."""
    return {
        "apiVersion": "tailrace.dev/v1alpha1",
        "kind": "Run",
        "name": run["metadata"]["name"],
        "uid": run["metadata"]["uid"],
        "controller": True,
    }


def restricted_pod(container: Object) -> Object:
    """A pod that passes the restricted Pod Security Standard and holds no token."""
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                **container,
            }
        ],
    }


def deadline(timeout: str | None) -> int | None:
    """activeDeadlineSeconds: only a backstop, for the runner ends a Run at its timeout itself."""
    return None if timeout is None else int(durations.parse(timeout)) + DEADLINE_MARGIN


def _container(runner: Object, settings: Settings) -> Object:
    environment = [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        {"name": "TAILRACE_INTERNAL_URL", "value": settings.runner_internal_url or settings.internal_url},
    ]
    if settings.runner_api_server:
        environment.append({"name": "TAILRACE_API_SERVER", "value": settings.runner_api_server})
    if settings.runner_require_landlock:
        environment.append({"name": "TAILRACE_REQUIRE_LANDLOCK", "value": "true"})
    return {
        "name": "runner",
        "image": settings.runner_image,
        "imagePullPolicy": settings.runner_pull_policy,
        "command": ["tailrace-runner"],
        "env": environment,
        "resources": _resources(runner.get("resources") or {}, settings.runner_resources),
        "volumeMounts": [
            {"name": "tailrace", "mountPath": MOUNT, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own emptyDir
        ],
    }


def _resources(own: Object, default: Object) -> Object:
    """The flow's quantities, and the default ones of what the flow says nothing about.

    Never both for one resource: a default limit may be below what the flow requests.
    """
    named = {name for quantities in own.values() for name in quantities}
    merged: Object = {}
    for kind in ("requests", "limits"):
        kept = {name: value for name, value in (default.get(kind) or {}).items() if name not in named}
        merged[kind] = kept | (own.get(kind) or {})
    return {kind: quantities for kind, quantities in merged.items() if quantities}


def _identity_volume() -> Object:
    """The two tokens, and by which certificates to know the two servers."""
    sources: list[Object] = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
        {
            "serviceAccountToken": {
                "path": "internal-token",
                "audience": INTERNAL_AUDIENCE,
                "expirationSeconds": 3600,
            }
        },
    ]
    sources += [
        {"configMap": {"name": name, "items": [{"key": "ca.crt", "path": path}]}}
        for name, path in (("kube-root-ca.crt", "kube-ca.crt"), ("tailrace-ca", "internal-ca.crt"))
    ]
    return {"name": "tailrace", "projected": {"defaultMode": 0o440, "sources": sources}}
