"""What all kinds share: names of the API group, labels, annotations, and the base of every model."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "tailrace.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

TENANT_LABEL = f"{GROUP}/tenant"
FLOW_LABEL = f"{GROUP}/flow"
RUN_LABEL = f"{GROUP}/run"
TRIGGER_LABEL = f"{GROUP}/trigger"
ATTEMPT_LABEL = f"{GROUP}/attempt"
TASK_LABEL = f"{GROUP}/task"
COMPONENT_LABEL = "app.kubernetes.io/component"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
BY_ANNOTATION = f"{GROUP}/by"
ID_LABEL = f"{GROUP}/id"

RUNNER_SERVICE_ACCOUNT = "tailrace-runner"
INTERNAL_AUDIENCE = "tailrace-internal"

Duration = Annotated[
    str,
    Field(
        pattern=r"^([0-9]+(ms|s|m|h|d))+$",
        max_length=32,
        description="A length of time, such as 500ms, 30s, 10m, 1h30m or 2d.",
    ),
]
"""A length of time as text: whole numbers with the units ms, s, m, h and d, largest first."""

ResourceName = Annotated[
    str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$", min_length=1, max_length=253)
]
"""The name of a Kubernetes object (RFC 1123 subdomain)."""

Title = Annotated[str, Field(max_length=253)]
"""A display name: free text, may repeat."""

JsonObject = dict[str, Any]
"""Any JSON object; kept as it is (x-kubernetes-preserve-unknown-fields)."""


class Model(BaseModel):
    """Base of every part of a resource: camelCase on the wire, unknown fields refused, nothing coerced."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
    )


class Observed(Model):
    """Base of what the system itself writes: a reader of an older version ignores fields it does not know."""

    model_config = ConfigDict(extra="ignore", strict=False)


class Condition(Observed):
    """A condition as Kubernetes defines it (`metav1.Condition`)."""

    type: Annotated[str, Field(max_length=63)]
    status: Annotated[str, Field(pattern="^(True|False|Unknown)$")]
    reason: Annotated[str, Field(max_length=63)]
    message: Annotated[str, Field(max_length=32768)] = ""
    last_transition_time: Annotated[str, Field(max_length=40)]
    observed_generation: int | None = None
