"""Credential: a secret value that flows name as ${NAME}, and the hosts it may be sent to."""

from typing import Annotated

from pydantic import Field

from tailrace_crds.meta import Condition, Model, Observed, ResourceName, Title

Host = Annotated[
    str,
    Field(pattern=r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?$", max_length=260),
]


class SecretRef(Model):
    """One key of a Secret in the same namespace; the tenant grants the facade `get` on that Secret."""

    name: ResourceName
    key: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", min_length=1, max_length=253)]


class CredentialSpec(Model):
    """Where the value is: encrypted in place, or in a Secret."""

    title: (
        Annotated[Title, Field(description="The name that flows use, as it is or in UPPER_SNAKE form.")]
        | None
    ) = None
    type: Annotated[str, Field(max_length=64)] = "secret"
    hosts: Annotated[
        list[Host],
        Field(
            max_length=64,
            description="Where the value may be sent, such as api.example.com or *.example.com.",
        ),
    ] = []
    ciphertext: (
        Annotated[
            str, Field(max_length=131072, description="AES-256-GCM by the facade; see docs/credentials.md.")
        ]
        | None
    ) = None
    secret_ref: SecretRef | None = None


class CredentialStatus(Observed):
    """Whether the value can be used."""

    observed_generation: int | None = None
    conditions: Annotated[list[Condition], Field(max_length=16)] = []
    last_used: str | None = None
