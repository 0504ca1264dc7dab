"""The CustomResourceDefinitions: what each kind adds to its schema, and the program that writes them.

`python -m tailrace_crds.definitions` writes crds/generated and the chart's copies; `--check` fails where
they differ from the models.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from tailrace_crds.credential import CredentialSpec, CredentialStatus
from tailrace_crds.flow import FlowSpec, FlowStatus
from tailrace_crds.meta import GROUP, VERSION
from tailrace_crds.run import RunSpec, RunStatus
from tailrace_crds.schema import Schema, structural
from tailrace_crds.trigger import TriggerSpec, TriggerStatus

OUTPUTS = (Path("crds/generated"), Path("charts/tailrace/files/crds"))


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False

    def render(self) -> dict[str, Any]:
        """As the CustomResourceDefinition has it; a wide column shows with `-o wide` only."""
        column: dict[str, Any] = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return column | ({"priority": 1} if self.wide else {})


@dataclass(frozen=True)
class Rule:
    """A CEL rule on the spec."""

    rule: str
    message: str
    field: str | None = None

    def render(self) -> dict[str, str]:
        """As x-kubernetes-validations has it."""
        rule = {"rule": self.rule, "message": self.message}
        return rule | ({"fieldPath": self.field} if self.field else {})


@dataclass(frozen=True)
class Kind:
    """One kind of resource."""

    name: str
    plural: str
    short: tuple[str, ...]
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    selectable: tuple[str, ...] = ()


READY = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')
REASON = Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', wide=True)
AGE = Column("Age", ".metadata.creationTimestamp", "date")

KINDS = (
    Kind(
        "Flow",
        "flows",
        ("fl",),
        FlowSpec,
        FlowStatus,
        (
            Column("Title", ".spec.title", wide=True),
            Column("State", ".spec.state"),
            READY,
            REASON,
            Column("Revision", ".status.revision", wide=True),
            Column("Last Run", ".status.lastRun.phase"),
            AGE,
        ),
        selectable=(".spec.state",),
    ),
    Kind(
        "Run",
        "runs",
        ("tr",),
        RunSpec,
        RunStatus,
        (
            Column("Flow", ".spec.flow"),
            Column("Phase", ".status.phase"),
            Column("Tasks", ".status.progress"),
            Column("Trigger", ".spec.trigger.type", wide=True),
            Column("Attempt", ".status.attempt", "integer", wide=True),
            Column("Reason", ".status.reason", wide=True),
            Column("Started", ".status.startTime", "date"),
            Column("Duration ms", ".status.durationMs", "integer"),
            AGE,
        ),
        (
            Rule("self.flow == oldSelf.flow", "flow cannot be changed: create another Run", ".flow"),
            Rule(
                "has(self.retryOf) == has(oldSelf.retryOf)"
                " && (!has(self.retryOf) || self.retryOf == oldSelf.retryOf)",
                "retryOf cannot be changed: create another Run",
                ".retryOf",
            ),
            Rule("has(self.trigger) == has(oldSelf.trigger)", "trigger cannot be changed", ".trigger"),
            Rule("!oldSelf.cancel || self.cancel", "cancel cannot be taken back", ".cancel"),
        ),
        (".spec.flow", ".status.phase", ".status.assigned.podUID"),
    ),
    Kind(
        "Trigger",
        "triggers",
        ("trg",),
        TriggerSpec,
        TriggerStatus,
        (
            Column("Flow", ".spec.flow"),
            Column("Type", ".spec.type"),
            Column("Schedule", ".spec.schedule.cron"),
            Column("Suspended", ".spec.suspend", "boolean"),
            READY,
            REASON,
            Column("Last", ".status.lastSlot", "date"),
            Column("Next", ".status.nextSlot", wide=True),
            AGE,
        ),
        (
            Rule(
                "(self.type == 'schedule') == has(self.schedule)",
                "a Trigger of type schedule, and only that, has schedule settings",
                ".schedule",
            ),
            Rule(
                "(self.type == 'webhook') == has(self.webhook)",
                "a Trigger of type webhook, and only that, has webhook settings",
                ".webhook",
            ),
        ),
        (".spec.flow", ".spec.type"),
    ),
    Kind(
        "Credential",
        "credentials",
        ("cred",),
        CredentialSpec,
        CredentialStatus,
        (
            Column("Title", ".spec.title"),
            Column("Type", ".spec.type"),
            READY,
            REASON,
            Column("Last Used", ".status.lastUsed", "date", wide=True),
            AGE,
        ),
        (
            Rule(
                "has(self.ciphertext) != has(self.secretRef)",
                "set either ciphertext (by the REST API) or secretRef",
            ),
        ),
    ),
)


def definition(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind."""
    spec = structural(kind.spec)
    if kind.rules:
        spec["x-kubernetes-validations"] = [rule.render() for rule in kind.rules]
    schema: Schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": _status(kind.status),
        },
    }
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [column.render() for column in kind.columns],
        "schema": {"openAPIV3Schema": schema},
    }
    if kind.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in kind.selectable]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "tailrace", "app.kubernetes.io/part-of": "tailrace"},
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": list(kind.short),
                "categories": ["tailrace"],
            },
            "versions": [version],
        },
    }


def _status(model: type[BaseModel]) -> Schema:
    schema = structural(model)
    conditions = schema["properties"].get("conditions")
    if conditions:
        conditions["x-kubernetes-list-type"] = "map"
        conditions["x-kubernetes-list-map-keys"] = ["type"]
    return schema


def render() -> dict[str, str]:
    """File name to YAML text, for every kind."""
    return {
        f"{kind.plural}.yaml": yaml.safe_dump(
            definition(kind), sort_keys=False, allow_unicode=True, width=110
        )
        for kind in KINDS
    }


def main(arguments: list[str]) -> int:
    """Write the files, or with --check say which differ; 1 where one does."""
    files = {folder / name: text for folder in OUTPUTS for name, text in render().items()}
    if "--check" not in arguments:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return 0
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{path} differs from the models: run python -m tailrace_crds.definitions", file=sys.stderr)  # noqa: T201 a command's output
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
