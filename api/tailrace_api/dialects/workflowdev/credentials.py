"""Credentials: the value goes in; neither it nor its ciphertext ever comes out."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from tailrace_api.cluster.cache import identifier
from tailrace_api.cluster.projections import UPDATED_AT
from tailrace_api.core import names
from tailrace_api.core.credentials import CredentialDraft
from tailrace_api.dialects.workflowdev.wire import (
    CALLER,
    PREFIX,
    Answer,
    Body,
    Ignored,
    Name,
    Namespace,
    Uses,
    seconds,
)
from tailrace_api.http.parsing import JsonRoute

router = APIRouter(prefix=PREFIX, tags=["credentials"], route_class=JsonRoute)

Host = Annotated[str, StringConstraints(min_length=1, max_length=260)]


class CredentialBody(Body):
    """A credential; on update what is absent stays, but new hosts or a new type need the value again."""

    name: Name | None = None
    namespace: Namespace | None = None
    type: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    value: str | None = None
    hosts: Annotated[list[Host], Field(max_length=64)] | None = None
    id: Ignored = None
    created_at: Ignored = None
    updated_at: Ignored = None

    def draft(self) -> CredentialDraft:
        """As the core takes it."""
        return CredentialDraft(self.name, self.type, self.value, self.hosts)


class CredentialAnswer(Answer):
    """A credential without its value."""

    id: str
    name: str
    namespace: str
    type: str
    hosts: list[str]
    created_at: str
    updated_at: str


@router.get("/credentials", summary="List credentials")
async def list_credentials(
    uses: Uses, namespace: Annotated[Namespace | None, Query()] = None
) -> list[CredentialAnswer]:
    """All credentials, oldest first, without values."""
    return [_credential(item) for item in uses.credentials.all(namespace)]


@router.post("/credentials", status_code=201, summary="Create a credential")
async def create_credential(uses: Uses, body: CredentialBody) -> CredentialAnswer:
    """A new credential; its value is stored encrypted."""
    namespace = body.namespace or uses.settings.default_namespace
    return _credential(await uses.credentials.create(CALLER, namespace, body.draft()))


@router.get("/credentials/{id}", summary="Get a credential")
async def get_credential(uses: Uses, id: str) -> CredentialAnswer:  # noqa: A002 - the documented name
    """One credential, without its value."""
    return _credential(uses.credentials.get(id))


@router.put("/credentials/{id}", summary="Update a credential")
async def update_credential(uses: Uses, id: str, body: CredentialBody) -> CredentialAnswer:  # noqa: A002 - as above
    """Change a credential."""
    return _credential(await uses.credentials.update(CALLER, id, body.namespace, body.draft()))


@router.delete("/credentials/{id}", status_code=204, summary="Delete a credential")
async def delete_credential(uses: Uses, id: str) -> Response:  # noqa: A002 - as above
    """Remove a credential."""
    await uses.credentials.delete(CALLER, id)
    return Response(status_code=204)


def _credential(item: dict[str, Any]) -> CredentialAnswer:
    metadata, spec = item["metadata"], item["spec"]
    created = metadata["creationTimestamp"]
    updated = (metadata.get("annotations") or {}).get(UPDATED_AT, created)
    return CredentialAnswer(
        id=identifier(item),
        name=names.display(item),
        namespace=metadata["namespace"],
        type=spec.get("type") or "secret",
        hosts=list(spec.get("hosts") or []),
        created_at=created,
        updated_at=seconds(updated) or created,
    )
