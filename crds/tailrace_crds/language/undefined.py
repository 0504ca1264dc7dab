"""Paths into values: what is there, and what to say where nothing is."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tailrace_crds.language.problems import suggestion
from tailrace_crds.language.template_source import Path

_MISSING = object()


class UndefinedError(LookupError):
    """A path that leads nowhere; the message says where it ends and what is there, never a value."""

    def __str__(self) -> str:
        return str(self.args[0])


def walk(path: Path, context: Mapping[str, Any]) -> Any:
    """The value at a path."""
    value: Any = context
    for depth, part in enumerate(path):
        following = _step(value, part)
        if following is _MISSING:
            raise UndefinedError(_missing(path[: depth + 1], value))
        value = following
    return value


def message(paths: Iterable[Path], context: Mapping[str, Any]) -> str | None:
    """What to say of the first of the paths that leads nowhere; None where all lead somewhere."""
    for path in paths:
        try:
            walk(path, context)
        except UndefinedError as error:
            return str(error)
    return None


def dotted(path: Path) -> str:
    """A path as a template writes it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier():
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def _step(value: Any, part: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _MISSING) if isinstance(part, str) else _MISSING
    if isinstance(value, list) and isinstance(part, int) and -len(value) <= part < len(value):
        return value[part]
    return _MISSING


def _missing(path: Path, parent: Any) -> str:
    whole, above = dotted(path), dotted(path[:-1])
    if isinstance(parent, Mapping):
        known = [key for key in parent if isinstance(key, str)]
        if not known:
            return f"{whole} is undefined: {above or 'the context'} is empty"
        near = suggestion(str(path[-1]), known)
        return f"{whole} is undefined{near}"
    if isinstance(parent, list):
        return f"{whole} is undefined: {above} has {len(parent)} items"
    return f"{whole} is undefined: {above} is {_kind(parent)}"


def _kind(value: Any) -> str:
    kinds = {str: "text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), "null" if value is None else "text")
