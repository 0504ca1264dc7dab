"""Templates: `{{ expressions }}` of minijinja in the strings of parsed values.

A string that is one expression keeps the type of its value; in other text, what is not text is written as
JSON. Names that do not exist are errors. A template cannot call methods, load files or run without end.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import minijinja

from tailrace_crds.language import credentials as secrets
from tailrace_crds.language import template_source as source
from tailrace_crds.language.credentials import Reference, SecretText
from tailrace_crds.language.template_source import Path, is_template

ROOTS = ("inputs", "vars", "trigger", "tasks", "run", "flow", "item")
"""The names that a flow itself defines; a payload's own keys come after them."""

PAYLOAD_NAMES = ("data", "input")
"""The whole payload, under the names that some callers know it by."""

MAX_TEXT = 64 * 1024
"""The longest template, in characters."""

MAX_RESULT = 10 * 1024 * 1024
"""The longest text and the largest value that a template may make, in characters."""

FUEL = 2_000_000
_FALSE_WORDS = frozenset({"", "false", "0", "no", "off", "null", "none"})

credentials = secrets.references


class TemplateError(ValueError):
    """A template that cannot be parsed or rendered; the message shows the template, never a value."""


def parse(text: str) -> None:
    """Check that a text is a template that can be rendered; TemplateError says why it is not."""
    found = problem(text)
    if found is not None:
        raise TemplateError(found)


def names(text: str) -> set[str]:
    """The dotted paths that a template reads, without its own variables; a position is `[0]`."""
    return {dotted(path) for path in paths(text)}


@lru_cache(maxsize=4096)
def paths(text: str) -> tuple[Path, ...]:
    """The same as tuples, in order of appearance."""
    if not is_template(text):
        return ()
    roots = _environment().undeclared_variables_in_str(text)
    return tuple(path for path in source.paths(text) if path[0] in roots and path[0] not in _GLOBALS)


def context(payload: Mapping[str, Any] | None = None, **roots: Any) -> dict[str, Any]:
    """What templates read: the roots, and below them a payload's own keys; the roots win."""
    unknown = set(roots) - set(ROOTS)
    if unknown:
        raise TypeError(f"not roots of a template's context: {sorted(unknown)}")
    whole = dict(payload or {})
    return {**dict.fromkeys(PAYLOAD_NAMES, whole), **whole, **roots}


def render(value: Any, context: Mapping[str, Any]) -> Any:
    """The value with every template in it rendered; keys stay as they are.

    A string in which its author wrote `${NAME}` becomes a SecretText, or stays one.
    """
    if isinstance(value, str):
        return _render_text(value, context)
    if isinstance(value, dict):
        return {key: render(item, context) for key, item in value.items()}
    if isinstance(value, list):
        return [render(item, context) for item in value]
    return value


def is_true(text: str, context: Mapping[str, Any]) -> bool:
    """Whether a `when` holds: not for false, null, zero, what is empty, and the words false, no and off."""
    value = _render_text(text, context)
    return value.strip().lower() not in _FALSE_WORDS if isinstance(value, str) else bool(value)


def _render_text(text: str, context: Mapping[str, Any]) -> Any:
    if "${" not in text:
        return _render_plain(text, context) if is_template(text) else text
    parts = secrets.split(text)
    rendered = [part if isinstance(part, Reference) else _render_piece(part, context) for part in parts]
    if any(isinstance(part, Reference) for part in rendered):
        return SecretText(rendered)
    return rendered[0] if rendered else ""


def _render_piece(text: str, context: Mapping[str, Any]) -> str:
    value = _render_plain(text, context) if is_template(text) else text
    return value if isinstance(value, str) else json_text(value)


def _render_plain(text: str, context: Mapping[str, Any]) -> Any:
    expression = source.expression(text)
    if expression is None:
        return _checked_size(_run(text, context, whole=False))
    path = _plain_path(expression)
    if path is not None and path[0] in context:
        return _walk(path, context, text)
    return _checked_size(_run(expression, context, whole=True))


def _run(text: str, context: Mapping[str, Any], *, whole: bool) -> Any:
    """Let minijinja evaluate an expression or render a text."""
    parse(f"{{{{ {text} }}}}" if whole else text)
    environment = _environment()
    views = {key: _view(item) for key, item in context.items()}
    try:
        if not whole:
            return environment.render_str(text, **views)
        value = _plain(environment.eval_expr(text, **views))
        if value is None and environment.eval_expr(f"({text}) is undefined", **views):
            raise TemplateError(_undefined_message(text, context))
    except minijinja.TemplateError as error:
        if error.kind == "UndefinedError":
            raise TemplateError(_undefined_message(text, context)) from None
        raise TemplateError(f"{_shown(text)}: {_reason(error)}") from None
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise TemplateError(f"{_shown(text)}: {error}") from None
    return value


@lru_cache(maxsize=1)
def _environment() -> minijinja.Environment:
    environment = minijinja.Environment(
        undefined_behavior="strict",
        fuel=FUEL,
        debug=False,
        pycompat=False,
        finalizer=_finalise,
        keep_trailing_newline=True,
    )
    for name in ("debug", "namespace", "cycler", "joiner"):
        environment.remove_global(name)
    environment.remove_filter("attr")
    environment.remove_filter("pprint")
    environment.add_filter("tojson", _tojson)
    environment.add_filter("fromjson", json.loads)
    return environment


_GLOBALS = frozenset({"range", "dict"})


@lru_cache(maxsize=4096)
def problem(text: str) -> str | None:
    """Why a text is no template that can be rendered; None where it is one."""
    if len(text) > MAX_TEXT:
        return f"the template is too long: {len(text)} characters, at most {MAX_TEXT}"
    try:
        _environment().undeclared_variables_in_str(text)
    except minijinja.TemplateError as error:
        return f"{_shown(text)}: {_reason(error)}"
    return None


def _finalise(value: Any) -> Any:
    """How a value is written inside of text."""
    return value if isinstance(value, str) else json_text(_plain(value))


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(
        _plain(value), ensure_ascii=False, indent=None if indent is None else min(max(indent, 0), 8)
    )


def json_text(value: Any) -> str:
    """A value inside of a text: JSON, with whole numbers without a fraction."""
    return json.dumps(value, ensure_ascii=False)


class _ObjectView(Mapping[str, Any]):
    """An object as templates see it: to be read, with no method that changes it."""

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def __getitem__(self, key: str) -> Any:
        return _view(self._data[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __str__(self) -> str:
        return json_text(self._data)


class _ArrayView(Sequence[Any]):
    """An array as templates see it."""

    __slots__ = ("_data",)

    def __init__(self, data: Sequence[Any]) -> None:
        self._data = data

    def __getitem__(self, index: Any) -> Any:
        return _view(self._data[index])

    def __len__(self) -> int:
        return len(self._data)

    def __str__(self) -> str:
        return json_text(self._data)


def _view(value: Any) -> Any:
    if isinstance(value, dict):
        return _ObjectView(value)
    return _ArrayView(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """What minijinja gives back, as JSON types."""
    if isinstance(value, (_ObjectView, _ArrayView)):
        return value._data  # noqa: SLF001 — the view is this module's own
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise TemplateError("the expression gives a function, not a value")


def _plain_path(expression: str) -> Path | None:
    """The path, where an expression is nothing else: it is read without minijinja, whatever its size."""
    words = source.tokens(expression)
    path, used = source.path_at(words, 0) if words and words[0].kind == "name" else ((), 0)
    return path if path and used == len(words) else None


def _walk(path: Path, context: Mapping[str, Any], text: str) -> Any:
    value: Any = context
    for part in path:
        try:
            if (isinstance(value, Mapping) and isinstance(part, str)) or (
                isinstance(value, list) and isinstance(part, int)
            ):
                value = value[part]
            else:
                raise TemplateError(_undefined_message(text, context))
        except (KeyError, IndexError):
            raise TemplateError(_undefined_message(text, context)) from None
    return value


def _undefined_message(text: str, context: Mapping[str, Any]) -> str:
    """Which of the paths leads nowhere, and what is there instead."""
    template = text if is_template(text) else f"{{{{ {text} }}}}"
    for path in paths(template):
        value: Any = context
        for depth, part in enumerate(path):
            following = _step(value, part)
            if following is _MISSING:
                return _missing(path[: depth + 1], value)
            value = following
    return f"{_shown(text)}: a name in it is undefined"


_MISSING = object()


def _step(value: Any, part: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _MISSING) if isinstance(part, str) else _MISSING
    if isinstance(value, list) and isinstance(part, int) and -len(value) <= part < len(value):
        return value[part]
    return _MISSING


def _missing(path: Path, parent: Any) -> str:
    shown, above = dotted(path), dotted(path[:-1])
    if isinstance(parent, Mapping):
        known = [str(key) for key in parent if isinstance(key, str)][:12]
        there = f"{above or 'the context'} has {', '.join(known)}" if known else f"{above} is empty"
        return f"{shown} is undefined: {there}"
    if isinstance(parent, list):
        return f"{shown} is undefined: {above} has {len(parent)} items"
    return f"{shown} is undefined: {above} is {_kind(parent)}, not an object"


def _kind(value: Any) -> str:
    kinds = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "null" if value is None else "an object")


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


def _checked_size(value: Any) -> Any:
    left = MAX_RESULT
    pending = [value]
    while pending:
        item = pending.pop()
        left -= len(item) if isinstance(item, str) else 1
        if left < 0:
            raise TemplateError(f"the template makes more than {MAX_RESULT} characters")
        if isinstance(item, dict):
            pending.extend(item.values())
            pending.extend(item)
        elif isinstance(item, list):
            pending.extend(item)
    return value


def _reason(error: minijinja.TemplateError) -> str:
    detail = error.message.rpartition(" (in ")[0] or error.message
    if error.kind == "OutOfFuel":
        return "it takes too many steps"
    return detail.removeprefix("syntax error: ").removeprefix("invalid operation: ")


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 80 else line[:77] + "...")  # noqa: PLR2004 — a line of a terminal
