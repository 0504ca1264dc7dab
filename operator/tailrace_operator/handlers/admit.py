"""Whether a new Run may begin: its namespace, its Flow and its inputs."""

from dataclasses import dataclass
from typing import Any

from tailrace_crds.language import inputs
from tailrace_crds.language.problems import Problem
from tailrace_crds.meta import TENANT_LABEL
from tailrace_operator.flows import Flows, Pinned
from tailrace_operator.handlers.tenant import Tenants

Object = dict[str, Any]

MAX_PROBLEMS = 10


@dataclass(frozen=True)
class Refusal:
    """Why a Run fails before it begins."""

    reason: str
    message: str


class Admission:
    """Answers with the revision to execute, or a Refusal."""

    def __init__(self, flows: Flows, tenants: Tenants) -> None:
        self._flows = flows
        self._tenants = tenants

    async def admit(self, run: Object) -> str | Refusal:
        """The name of the pinned revision; what is read is read past every cache."""
        namespace = run["metadata"]["namespace"]
        if not await self._tenants.serves(namespace):
            message = f"namespace {namespace} is not a tenant: label it with {TENANT_LABEL}=true"
            return Refusal("NamespaceNotATenant", message)
        flow = run["spec"]["flow"]
        pinned = await self._flows.get(namespace, flow)
        if pinned is None:
            return Refusal("FlowNotFound", f"flow {flow} does not exist")
        return refusal(pinned, run["spec"].get("inputs") or {}) or pinned.revision


def refusal(pinned: Pinned, given: Object) -> Refusal | None:
    """What speaks against executing this Flow with these inputs."""
    name, spec = pinned.flow["metadata"]["name"], pinned.flow["spec"]
    if pinned.problems:
        return Refusal("FlowInvalid", f"flow {name}: {listed(pinned.problems)}")
    state = spec.get("state", "Active")
    if state != "Active":
        return Refusal("FlowNotActive", f"flow {name} is {state}; only an Active one can be run")
    problems = inputs.check(spec.get("inputs"), given)
    if problems:
        return Refusal("InvalidInputs", listed(problems))
    return None


def listed(problems: "tuple[Problem, ...] | list[Problem]") -> str:
    """Problems in one line: the first ten, and how many more there are."""
    text = "; ".join(str(problem) for problem in problems[:MAX_PROBLEMS])
    more = len(problems) - MAX_PROBLEMS
    return f"{text}; and {more} more" if more > 0 else text
