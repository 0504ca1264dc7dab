"""The documents of a YAML text, each with what the operator would say to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from tailrace_crds.credential import CredentialSpec
from tailrace_crds.language import structure, triggers, validation
from tailrace_crds.language.problems import Problem, kind
from tailrace_crds.language.yaml_text import load_documents
from tailrace_crds.meta import API_VERSION, GROUP
from tailrace_crds.run import RunSpec
from tailrace_crds.trigger import TriggerSpec
from tailrace_plugins import catalogue

OTHER_KINDS: dict[str, type[BaseModel]] = {
    "Trigger": TriggerSpec,
    "Credential": CredentialSpec,
    "Run": RunSpec,
}
KINDS = ("Flow", *OTHER_KINDS)
TOP_LEVEL = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})


@dataclass(frozen=True)
class Document:
    """One document as it was written, and what is wrong with it."""

    content: Any
    problems: list[Problem]

    @property
    def kind(self) -> str:
        """Its kind; a short form is a Flow."""
        return str(self.content.get("kind", "Flow")) if isinstance(self.content, dict) else ""

    @property
    def name(self) -> str:
        """Its name, where it has one."""
        if not isinstance(self.content, dict):
            return ""
        metadata = self.content.get("metadata")
        return str((metadata if isinstance(metadata, dict) else self.content).get("name") or "")


def read(text: str) -> tuple[list[Document], list[Problem]]:
    """All documents of a text, or why it cannot be read."""
    contents, problems = load_documents(text)
    if problems:
        return [], problems
    if not contents:
        return [], [Problem("", "the text is empty")]
    return [Document(content, check(content)) for content in contents], []


def check(content: Any) -> list[Problem]:
    """What can never work in one document."""
    if not isinstance(content, dict):
        return [Problem("", f"should be an object, not {kind(content)}")]
    if is_short(content):
        return _check_short(content)
    found = [*_check_header(content), *_check_name(content)]
    if content.get("kind") == "Flow":
        return found + validation.validate_flow(content, catalogue)
    model = OTHER_KINDS.get(str(content.get("kind")))
    return found if model is None else found + _check_spec(content, model)


def is_short(content: dict[str, Any]) -> bool:
    """Whether it is a flow without Kubernetes' envelope: name, tasks and so on at the top."""
    return not content.keys() & {"apiVersion", "kind", "spec"}


def flow_of(content: dict[str, Any]) -> dict[str, Any]:
    """A Flow as Kubernetes has it, of either form."""
    if not is_short(content):
        return content
    spec = {key: value for key, value in content.items() if key not in {"name", "namespace", "metadata"}}
    name = content.get("name")
    return {"apiVersion": API_VERSION, "kind": "Flow", "metadata": {"name": name or "flow"}, "spec": spec}


def input_types(flow: dict[str, Any]) -> dict[str, Any]:
    """The types that a valid Flow declares for its inputs, by name; none where there is no schema."""
    declared = (flow["spec"].get("inputs") or {}).get("properties") or {}
    return {name: schema.get("type") for name, schema in declared.items() if isinstance(schema, dict)}


def _check_short(content: dict[str, Any]) -> list[Problem]:
    found = []
    if not isinstance(content.get("name", ""), str):
        found.append(Problem("name", f"should be a text, not {kind(content['name'])}"))
    if "metadata" in content:
        found.append(Problem("metadata", f"belongs to a document with apiVersion: {API_VERSION} and kind"))
    problems = validation.validate(flow_of(content)["spec"], catalogue)
    return found + [
        Problem(problem.path.removeprefix("spec").removeprefix("."), problem.message) for problem in problems
    ]


def _check_header(content: dict[str, Any]) -> list[Problem]:
    found = []
    version = content.get("apiVersion")
    if version != API_VERSION:
        said = f", not {version}" if isinstance(version, str) else ""
        found.append(Problem("apiVersion", f"should be {API_VERSION}{said}"))
    if content.get("kind") not in KINDS:
        found.append(Problem("kind", f"should be one of {', '.join(KINDS)} (of {GROUP})"))
    unknown = sorted(str(key) for key in content.keys() - TOP_LEVEL)
    found += [
        Problem(key, f"is not a field here: known are {', '.join(sorted(TOP_LEVEL))}") for key in unknown
    ]
    return found


def _check_name(content: dict[str, Any]) -> list[Problem]:
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        return [Problem("metadata", "should be an object with a name")]
    generated = content.get("kind") == "Run" and metadata.get("generateName")
    name = metadata.get("name", "")
    if generated and not name:
        return []
    if not isinstance(name, str) or not _is_name(name):
        return [
            Problem("metadata.name", "should be lower-case letters, digits, - and ., at most 253 characters")
        ]
    return []


def _is_name(name: str) -> bool:
    parts: Iterable[str] = name.split(".")
    return 0 < len(name) <= 253 and all(  # noqa: PLR2004 - a name in Kubernetes
        part
        and part.replace("-", "").isalnum()
        and part.isascii()
        and part == part.lower()
        and not part.startswith("-")
        and not part.endswith("-")
        for part in parts
    )


def _check_spec(content: dict[str, Any], model: type[BaseModel]) -> list[Problem]:
    if "spec" not in content:
        return [Problem("spec", "is required")]
    try:
        model.model_validate(content["spec"])
    except ValidationError as error:
        return structure.problems(error, model, "spec")
    return RULES[model](content["spec"])


def _check_credential(spec: dict[str, Any]) -> list[Problem]:
    if (spec.get("ciphertext") is None) == (spec.get("secretRef") is None):
        return [Problem("spec", "set either ciphertext (by the REST API) or secretRef")]
    return []


RULES: dict[type[BaseModel], Callable[[dict[str, Any]], list[Problem]]] = {
    TriggerSpec: triggers.problems,
    CredentialSpec: _check_credential,
    RunSpec: lambda _: [],
}
