"""Writes a page for each built-in task type: `python -m tailrace_plugins.docs [--check] [directory]`.

With `--check` nothing is written: exit code 1 says that a page is not what it would be.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tailrace_crds.language import schema_tree
from tailrace_crds.language.manifest import Manifest
from tailrace_plugins import catalogue

GENERATED = "<!-- Written by `python -m tailrace_plugins.docs` from the plugin itself. -->\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(prog="python -m tailrace_plugins.docs", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path("docs/plugins"))
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a page would change"
    )
    options = parser.parse_args(arguments)
    wanted = pages()
    found = {path.name: path.read_text("utf-8") for path in options.directory.glob("*.md")}
    changed = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if options.check:
        for name in changed:
            sys.stderr.write(
                f"{options.directory / name} is out of date: run python -m tailrace_plugins.docs\n"
            )
        return 1 if changed else 0
    options.directory.mkdir(parents=True, exist_ok=True)
    for name in changed:
        path = options.directory / name
        path.write_text(wanted[name], "utf-8") if name in wanted else path.unlink()
    return 0


def pages() -> dict[str, str]:
    """All pages by file name."""
    manifests = [catalogue.get(id_).manifest() for id_ in sorted(catalogue.BUILTIN)]
    return {"README.md": index(manifests), **{f"{manifest.id}.md": page(manifest) for manifest in manifests}}


def index(manifests: list[Manifest]) -> str:
    """The list of all task types."""
    rows = "\n".join(f"| [{item.id}]({item.id}.md) | {_cell(item.description)} |" for item in manifests)
    return (
        f"{GENERATED}# Task types\n\nWhat a task's `type` may be. "
        "[The flow language](../flow-language.md) tells how tasks make a flow.\n\n"
        f"| type | what it does |\n|---|---|\n{rows}\n"
    )


def page(manifest: Manifest) -> str:
    """One task type."""
    example = {"tasks": [{"name": "example", "type": manifest.id, "properties": manifest.example}]}
    parts = [
        f"{GENERATED}# {manifest.id}",
        manifest.description,
        f"```yaml\n{yaml.dump(example, sort_keys=False, allow_unicode=True, width=100).rstrip()}\n```",
        "## Properties",
        table(manifest.input_schema, required="required"),
        *_notes(manifest),
        "## Outputs",
        table(manifest.output_schema, required="always"),
    ]
    return "\n\n".join(parts) + "\n"


def table(schema: dict[str, Any], *, required: str) -> str:
    """The fields of an object as a table."""
    rows = list(_rows(schema, schema, ""))
    if not rows:
        open_ = schema.get("additionalProperties")
        return "Whatever the task is given." if open_ else "None."
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return f"| name | type | {required} or default | what it is |\n|---|---|---|---|\n" + "\n".join(lines)


def _rows(root: dict[str, Any], part: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    opened = schema_tree.open_node(root, part, "properties") or {}
    for name, field in opened.get("properties", {}).items():
        if name in opened.get("required", ()):
            given = "yes"
        else:
            default = field.get("default")
            given = "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"
        described = schema_tree.description({**root, "properties": {name: field}}, (name,)) or ""
        yield f"`{prefix}{name}`", _type(root, field), given, _cell(described)
        yield from _rows(root, field, f"{prefix}{name}.")


def _type(root: dict[str, Any], field: Any) -> str:
    """The type of a field in words; that it may be null its default tells."""
    return " or ".join(dict.fromkeys(kind for kind in _types(root, field) if kind != "null"))


def _types(root: dict[str, Any], field: Any) -> Iterator[str]:
    opened = schema_tree.open_node(root, field, "") or {}
    kind = opened.get("type", "any")
    values = opened.get("additionalProperties") or next(
        iter(opened.get("patternProperties", {}).values()), None
    )
    if "enum" in opened or "const" in opened:
        yield ", ".join(f"`{option}`" for option in opened.get("enum", [opened.get("const")]))
    elif "anyOf" in opened:
        for option in opened["anyOf"]:
            yield from _types(root, option)
    elif kind == "array":
        yield f"list of {_type(root, opened.get('items', {}))}"
    elif kind == "object" and isinstance(values, dict):
        yield f"object of {_type(root, values)}"
    else:
        yield str(kind)


def _notes(manifest: Manifest) -> list[str]:
    notes = []
    if manifest.credential_properties:
        notes.append(f"`${{NAME}}` is a credential in {_names(manifest.credential_properties)}.")
    if manifest.literal_properties:
        notes.append(f"No templates in {_names(manifest.literal_properties)}.")
    if manifest.verbatim_properties:
        notes.append(f"Passed on as written, never rendered: {_names(manifest.verbatim_properties)}.")
    if manifest.pure:
        notes.append("Without side effects: after the loss of a pod it may be executed again.")
    return [" ".join(notes)] if notes else []


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")


if __name__ == "__main__":
    sys.exit(main())
