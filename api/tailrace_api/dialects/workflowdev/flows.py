"""Flows: YAML in, the same YAML out."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import ConfigDict

from tailrace_api.cluster.cache import identifier
from tailrace_api.cluster.projections import UPDATED_AT
from tailrace_api.core import documents
from tailrace_api.core.errors import invalid_field
from tailrace_api.core.flows import FlowDraft, title_of
from tailrace_api.dialects.workflowdev.envelope import Detail
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

DIALECT = "workflowdev"
router = APIRouter(prefix=PREFIX, tags=["flows"], route_class=JsonRoute)


class FlowBody(Body):
    """A flow to create or update; on update, what is absent stays as it is."""

    name: Name | None = None
    namespace: Namespace | None = None
    yaml_content: str | None = None
    id: Ignored = None
    created_at: Ignored = None
    updated_at: Ignored = None

    def draft(self) -> FlowDraft:
        """As the core takes it."""
        return FlowDraft(DIALECT, self.name, self.namespace, self.yaml_content)


class Flow(Answer):
    """A flow."""

    id: str
    name: str
    namespace: str
    yaml_content: str
    created_at: str
    updated_at: str


class ExportedFlow(Answer):
    """A flow to be kept or carried elsewhere; import takes it as it is."""

    name: str
    namespace: str
    yaml_content: str


class ImportBody(Body):
    """An exported flow, or a flow's own fields (`tasks` and the rest) as JSON."""

    model_config = ConfigDict(extra="allow")

    name: Name | None = None
    namespace: Namespace | None = None
    yaml_content: str | None = None
    id: Ignored = None
    created_at: Ignored = None
    updated_at: Ignored = None


class ValidateBody(Body):
    """A text to check."""

    yaml_content: str


class Validation(Answer):
    """What can never work in a text."""

    valid: bool
    errors: list[Detail]


class RevisionAnswer(Answer):
    """One revision; the creation is 1."""

    revision: int
    created_at: str


@router.get("/flows", summary="List all flows")
async def list_flows(uses: Uses, namespace: Annotated[Namespace | None, Query()] = None) -> list[Flow]:
    """All flows of all tenants' namespaces, or of one, oldest first."""
    return [_flow(item) for item in uses.flows.all(namespace)]


@router.post("/flows", status_code=201, summary="Create a flow")
async def create_flow(uses: Uses, body: FlowBody) -> Flow:
    """A new flow; the name in the request beats the one in the YAML."""
    if body.yaml_content is None:
        raise invalid_field("yamlContent", "is missing")
    return _flow(await uses.flows.create(CALLER, body.draft()))


@router.post("/flows/validate", summary="Validate YAML")
async def validate_flow(uses: Uses, body: ValidateBody) -> Validation:
    """What in the YAML can never work; nothing is stored."""
    problems = await uses.flows.validate(body.yaml_content)
    errors = [Detail(path=problem.path, message=problem.message) for problem in problems]
    return Validation(valid=not errors, errors=errors)


@router.post("/flows/import", status_code=201, summary="Import a flow from JSON")
async def import_flow(uses: Uses, body: ImportBody) -> Flow:
    """A new flow from what export gave, or from its fields as JSON."""
    fields: dict[str, Any] = dict(body.model_extra or {})
    if body.yaml_content is not None and fields:
        raise invalid_field(next(iter(fields)), "cannot stand beside yamlContent")
    if body.yaml_content is None and not fields:
        raise invalid_field("yamlContent", "is missing, and so are tasks")
    document = fields if body.yaml_content is None else None
    draft = FlowDraft(DIALECT, body.name, body.namespace, body.yaml_content, document)
    return _flow(await uses.flows.create(CALLER, draft))


@router.get("/flows/{id}", summary="Get a flow")
async def get_flow(uses: Uses, id: str) -> Flow:  # noqa: A002 - the documented name of the parameter
    """One flow."""
    return _flow(uses.flows.get(id))


@router.put("/flows/{id}", summary="Update a flow")
async def update_flow(uses: Uses, id: str, body: FlowBody) -> Flow:  # noqa: A002 - as above
    """Change a flow; new YAML makes a new revision."""
    return _flow(await uses.flows.update(CALLER, id, body.draft()))


@router.delete("/flows/{id}", status_code=204, summary="Delete a flow")
async def delete_flow(uses: Uses, id: str) -> Response:  # noqa: A002 - as above
    """Remove a flow; its executions stay readable."""
    await uses.flows.delete(CALLER, id)
    return Response(status_code=204)


@router.get("/flows/{id}/export", summary="Export a flow as JSON")
async def export_flow(uses: Uses, id: str) -> ExportedFlow:  # noqa: A002 - as above
    """A flow as import takes it."""
    flow = _flow(uses.flows.get(id))
    return ExportedFlow(name=flow.name, namespace=flow.namespace, yaml_content=flow.yaml_content)


@router.get("/flows/{id}/revisions", summary="List revisions")
async def list_revisions(uses: Uses, id: str) -> list[RevisionAnswer]:  # noqa: A002 - as above
    """All revisions, oldest first."""
    found = await uses.flows.revisions(id)
    return [RevisionAnswer(revision=item.number, created_at=item.created_at) for item in found]


@router.post("/flows/{id}/revisions/{rev}/restore", summary="Restore a revision")
async def restore_revision(uses: Uses, id: str, rev: Annotated[int, Path(ge=1)]) -> Flow:  # noqa: A002 - as above
    """Make an earlier revision the current one."""
    return _flow(await uses.flows.restore(CALLER, id, rev))


def _flow(item: dict[str, Any]) -> Flow:
    metadata = item["metadata"]
    created = metadata["creationTimestamp"]
    updated = (metadata.get("annotations") or {}).get(UPDATED_AT, created)
    return Flow(
        id=identifier(item),
        name=title_of(item),
        namespace=metadata["namespace"],
        yaml_content=documents.text_of(item, DIALECT),
        created_at=created,
        updated_at=seconds(updated) or created,
    )
