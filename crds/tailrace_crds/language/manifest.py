"""Manifest: what the language knows of a task type without running it."""

from collections.abc import Collection
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Manifest(BaseModel):
    """A plugin as data; on the wire in camelCase, schemas as JSON Schema."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    id: str
    name: str
    category: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    pure: Annotated[bool, Field(description="Without side effects: may be repeated at will.")] = False
    credential_properties: Annotated[
        tuple[str, ...], Field(description="Properties in which `${NAME}` is a credential.")
    ] = ()
    literal_properties: Annotated[tuple[str, ...], Field(description="Properties without templates.")] = ()
    verbatim_properties: Annotated[
        tuple[str, ...], Field(description="Properties that are passed on as written, such as a program.")
    ] = ()
    example: Annotated[dict[str, Any], Field(description="Properties of a task that works.")] = {}


class PluginLookup(Protocol):
    """Where validation finds the task types; the catalogue of the plugins is one."""

    def ids(self) -> Collection[str]:
        """All known task types."""

    def manifest(self, id: str) -> Manifest | None:  # noqa: A002 — a plugin's id is called that everywhere
        """One of them; None where there is none of that id."""
