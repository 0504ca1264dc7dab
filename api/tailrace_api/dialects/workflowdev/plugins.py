"""The catalogue of task types."""

from typing import Any

from fastapi import APIRouter

from tailrace_api.dialects.workflowdev.wire import PREFIX, Answer, Uses
from tailrace_crds.language.manifest import Manifest

router = APIRouter(prefix=PREFIX, tags=["plugins"])


class PluginAnswer(Answer):
    """A plugin's manifest."""

    id: str
    name: str
    category: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]


@router.get("/plugins", summary="List all plugins with manifests")
async def list_plugins(uses: Uses) -> list[PluginAnswer]:
    """All plugins, by id."""
    return [_plugin(manifest) for manifest in uses.plugins.all()]


@router.get("/plugins/categories", summary="List categories")
async def list_categories(uses: Uses) -> list[str]:
    """The categories, by name."""
    return uses.plugins.categories()


@router.get("/plugins/{id}", summary="Get a specific plugin manifest")
async def get_plugin(uses: Uses, id: str) -> PluginAnswer:  # noqa: A002 - the documented name
    """One plugin."""
    return _plugin(uses.plugins.get(id))


def _plugin(manifest: Manifest) -> PluginAnswer:
    return PluginAnswer(
        id=manifest.id,
        name=manifest.name,
        category=manifest.category,
        description=manifest.description,
        input_schema=manifest.input_schema,
        output_schema=manifest.output_schema,
    )
