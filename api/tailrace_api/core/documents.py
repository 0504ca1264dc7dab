"""The text of a flow: from YAML to a spec and back, the same text as long as it describes the same flow."""

from dataclasses import dataclass
from typing import Any

import yaml

from tailrace_api.core import names
from tailrace_api.core.digests import digest
from tailrace_api.core.errors import Invalid
from tailrace_crds.flow import Document, FlowSpec
from tailrace_crds.language import validation, yaml_text
from tailrace_crds.language.manifest import PluginLookup
from tailrace_crds.language.problems import Problem

Object = dict[str, Any]

MAX_TEXT = next(
    item.max_length for item in Document.model_fields["text"].metadata if hasattr(item, "max_length")
)
BESIDE = ("title", "state", "document")
"""Fields that the text does not decide: changing them leaves the text as true as it was."""


@dataclass(frozen=True)
class Parsed:
    """A flow's spec without title, and the name that its text gives it, if it does."""

    spec: Object
    name: str | None
    namespace: str | None


def parse(text: str, plugins: PluginLookup, path: str) -> Parsed:
    """The flow that a YAML text describes, valid; Invalid says where in the text something can never work.

    Both a Flow as kubectl applies it and its short form (`name`, `tasks` and the rest of the spec at the top)
    are understood. `path` is the field of the request in which the text came.
    """
    if len(text) > MAX_TEXT:
        raise _invalid([Problem("", f"should have at most {MAX_TEXT} characters, it has {len(text)}")], path)
    document, problems = yaml_text.load_yaml(text)
    if problems:
        raise _invalid(problems, path)
    return from_document(document, plugins, path)


def from_document(document: Any, plugins: PluginLookup, path: str) -> Parsed:
    """The same for a document that is JSON already."""
    if not isinstance(document, dict):
        raise _invalid([Problem("", "should be an object with tasks")], path)
    parsed, prefix = _long(document) if _is_long(document) else _short(document)
    problems = validation.validate(parsed.spec, plugins)
    problems += [
        Problem(name, "should be text")
        for name, value in (("name", parsed.name), ("namespace", parsed.namespace))
        if value is not None and not isinstance(value, str)
    ]
    if problems:
        raise _invalid([_within(problem, prefix) for problem in problems], path)
    return parsed


def with_text(spec: Object, dialect: str, text: str) -> Object:
    """The spec with the text that described it, to be given back verbatim."""
    bare = {key: value for key, value in spec.items() if key != "document"}
    return {**bare, "document": {"dialect": dialect, "text": text, "hash": content_hash(bare)}}


def text_of(item: Object, dialect: str) -> str:
    """A flow as text: as this dialect's author wrote it while it still says so, else written anew."""
    spec = item["spec"]
    document = spec.get("document") or {}
    if document.get("dialect") == dialect and document.get("hash") == content_hash(spec):
        return str(document["text"])
    short = {"name": names.display(item), **{key: spec[key] for key in spec if key not in BESIDE}}
    return yaml.dump(short, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=100)


def content_hash(spec: Object) -> str:
    """A digest of what a flow does, without its name and state; defaults count as if they were written."""
    bare = {key: value for key, value in spec.items() if key not in BESIDE}
    try:
        full = FlowSpec.model_validate(bare).model_dump(mode="json", by_alias=True, exclude_none=True)
    except ValueError:
        full = bare
    return digest(full)


def _is_long(document: Object) -> bool:
    return "spec" in document and ("apiVersion" in document or document.get("kind") == "Flow")


def _long(document: Object) -> tuple[Parsed, str]:
    spec, metadata = document["spec"], document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if not isinstance(spec, dict):
        return Parsed(spec, None, None), "spec"
    bare = {key: value for key, value in spec.items() if key not in {"document", "title"}}
    return Parsed(bare, spec.get("title") or metadata.get("name"), metadata.get("namespace")), "spec"


def _short(document: Object) -> tuple[Parsed, str]:
    beside = {"name", "namespace", "document", "title"}
    spec = {key: value for key, value in document.items() if key not in beside}
    return Parsed(spec, document.get("name") or document.get("title"), document.get("namespace")), ""


def _within(problem: Problem, prefix: str) -> Problem:
    """A problem of `spec…` with the path that it has in the text."""
    rest = problem.path.removeprefix("spec").removeprefix(".")
    return Problem(f"{prefix}.{rest}".strip("."), problem.message)


def _invalid(problems: list[Problem], path: str) -> Invalid:
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    return Invalid("invalid_flow", f"{path} has {count}: {problems[0]}", problems)
