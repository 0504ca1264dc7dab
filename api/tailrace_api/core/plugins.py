"""The catalogue of task types."""

from tailrace_api.core.errors import NotFound
from tailrace_crds.language.manifest import Manifest, PluginLookup


class Plugins:
    """Lists and shows manifests."""

    def __init__(self, catalogue: PluginLookup) -> None:
        self._catalogue = catalogue

    def all(self) -> list[Manifest]:
        """All, by id."""
        found = (self._catalogue.manifest(identifier) for identifier in sorted(self._catalogue.ids()))
        return [manifest for manifest in found if manifest is not None]

    def categories(self) -> list[str]:
        """The categories that have a task type, by name."""
        return sorted({manifest.category for manifest in self.all()})

    def get(self, identifier: str) -> Manifest:
        """One; NotFound."""
        manifest = self._catalogue.manifest(identifier)
        if manifest is None:
            raise NotFound("plugin_not_found", "there is no plugin with this id")
        return manifest
