"""A task's own fields: its type, its properties against the plugin's schema, its durations."""

from collections.abc import Iterator
from typing import Any

from jsonschema_rs import ValidationError

from tailrace_crds.flow import Retry
from tailrace_crds.language import durations, schemas
from tailrace_crds.language.credentials import references
from tailrace_crds.language.manifest import Manifest, PluginLookup
from tailrace_crds.language.problems import Problem, joined, suggestion
from tailrace_crds.language.tasks import Place
from tailrace_crds.language.template_source import is_template


def check(place: Place, plugins: PluginLookup) -> list[Problem]:
    """Everything about one task that can be seen without its neighbours."""
    task = place.task
    found = duration(f"{place.path}.timeout", task.timeout) + retry(f"{place.path}.retry", task.retry)
    manifest = plugins.manifest(task.type)
    if manifest is None:
        message = f"unknown task type {task.type}{suggestion(task.type, plugins.ids())}"
        return [*found, Problem(f"{place.path}.type", message)]
    path = f"{place.path}.properties"
    found += _literals(task.properties, manifest, path)
    found += _credentials(task.properties, manifest, path)
    return found + _against_schema(task.properties, manifest, path)


def duration(path: str, text: str | None) -> list[Problem]:
    """Whether a duration can be read."""
    try:
        if text is not None:
            durations.parse(text)
    except ValueError as error:
        return [Problem(path, str(error))]
    return []


def retry(path: str, retry: Retry | None) -> list[Problem]:
    """Whether the durations of a retry can be read, and are in order."""
    if retry is None:
        return []
    backoff = retry.backoff
    found = duration(f"{path}.backoff.initial", backoff.initial) + duration(
        f"{path}.backoff.max", backoff.max
    )
    if (
        not found
        and "max" in backoff.model_fields_set
        and durations.parse(backoff.max) < durations.parse(backoff.initial)
    ):
        return [Problem(f"{path}.backoff.max", f"should be at least initial, which is {backoff.initial}")]
    return found


def _literals(properties: dict[str, Any], manifest: Manifest, path: str) -> list[Problem]:
    """No template in what the pinned revision alone decides."""
    return [
        Problem(where, f"may not be a template: {manifest.id} takes its {name} as it is written")
        for name in manifest.literal_properties
        for where, text in strings(properties.get(name), joined(path, name))
        if is_template(text)
    ]


def _credentials(properties: dict[str, Any], manifest: Manifest, path: str) -> list[Problem]:
    """`${NAME}` only where the plugin puts the value in; elsewhere it would stay as it is."""
    passed = {*manifest.credential_properties, *manifest.literal_properties, *manifest.verbatim_properties}
    where = ", ".join(manifest.credential_properties)
    there = f"{manifest.id} takes credentials {f'only in {where}' if where else 'nowhere'}"
    return [
        Problem(spot, f"${{{name}}} is not filled in here: {there}; for the text itself write $${{{name}}}")
        for key, value in properties.items()
        if key not in passed
        for spot, text in strings(value, joined(path, key))
        for name in sorted(references(text))
    ]


def _against_schema(properties: dict[str, Any], manifest: Manifest, path: str) -> list[Problem]:
    as_written = {*manifest.literal_properties, *manifest.verbatim_properties}

    def excused(error: ValidationError) -> bool:
        """A template's value is not known yet; what the schema asks of it is seen when the task runs."""
        if error.instance_path and error.instance_path[0] in as_written:
            return False
        if error.kind.name in {"anyOf", "oneOf"}:
            options = error.kind.as_dict().get("context") or []
            if any(option and all(excused(item) for item in option) for option in options):
                return True
        if error.kind.name in _WHOLE_VALUE:
            return any(is_open(text) for _, text in strings(error.instance, ""))
        return isinstance(error.instance, str) and is_open(error.instance)

    found = [
        problem
        for error in schemas.errors(manifest.input_schema, properties)
        if not excused(error)
        for problem in schemas.explained(manifest.input_schema, error, path)
    ]
    return list(dict.fromkeys(found))


_WHOLE_VALUE = frozenset({"const", "enum", "uniqueItems", "contains", "not"})


def is_open(text: str) -> bool:
    """Whether a text will be another when the task runs."""
    return is_template(text) or "${" in text


def strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every string of a JSON value with its path; keys are not among them."""
    pending = [(path, value)]
    while pending:
        where, item = pending.pop()
        if isinstance(item, str):
            yield where, item
        elif isinstance(item, dict):
            pending.extend((joined(where, str(key)), part) for key, part in reversed(item.items()))
        elif isinstance(item, list):
            pending.extend((joined(where, index), item[index]) for index in reversed(range(len(item))))
