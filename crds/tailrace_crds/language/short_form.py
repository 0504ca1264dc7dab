"""The short form of a Flow: what workflowdev's users write, without apiVersion, kind, metadata and spec.

name: my-workflow
tasks:
- {name: hello, type: util.log, properties: {message: Hello world}}
"""

import re
from typing import Any

from tailrace_crds.flow import FlowSpec
from tailrace_crds.language.problems import Problem, kind, suggestion
from tailrace_crds.meta import API_VERSION

_OWN = ("name", "namespace")
_FIELDS = frozenset(str(field.alias) for field in FlowSpec.model_fields.values())


def is_short(document: Any) -> bool:
    """Whether a document is a flow in short form: an object that is no Kubernetes object."""
    return isinstance(document, dict) and not {"apiVersion", "kind", "spec"} & document.keys()


def expand(document: Any) -> tuple[dict[str, Any], list[Problem]]:
    """The Flow that a document means, in short form or whole; with problems where it means none.

    The name becomes the title, and `metadata.name` in the form that Kubernetes allows. Fields of the spec are
    taken as they are: `validation.validate_flow` checks them.
    """
    if not isinstance(document, dict):
        return {}, [Problem("", f"a flow should be an object, not {kind(document)}")]
    if not is_short(document):
        return document, []
    problems = [
        Problem(str(field), f"there is no such field{suggestion(str(field), [*_FIELDS, *_OWN])}")
        for field in document
        if field not in _FIELDS and field not in _OWN
    ]
    metadata: dict[str, Any] = {}
    spec = {field: value for field, value in document.items() if field in _FIELDS}
    for field in _OWN:
        value = document.get(field)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            problems.append(Problem(field, f"should be text, not {kind(value)}"))
        elif value is not None:
            metadata[field] = value.strip()
    if "name" in metadata:
        spec.setdefault("title", metadata["name"])
        metadata["name"] = resource_name(metadata["name"])
    return {"apiVersion": API_VERSION, "kind": "Flow", "metadata": metadata, "spec": spec}, problems


def resource_name(title: str) -> str:
    """A title as a Kubernetes object's name: lower case, what is not allowed as one dash, at most 200."""
    name = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:200].strip("-")
    return name or "flow"
