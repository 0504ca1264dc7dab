"""Templates: `{{ expressions }}` of minijinja in the strings of parsed values.

A string that is one expression keeps the type of its value; in other text, what is not text is written as
JSON. Names that do not exist are errors. A template cannot call methods, load files or run without end.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tailrace_crds.language import credentials as secrets
from tailrace_crds.language import template_engine as engine
from tailrace_crds.language import template_rules as rules
from tailrace_crds.language import template_source as source
from tailrace_crds.language import undefined
from tailrace_crds.language.credentials import Marks
from tailrace_crds.language.problems import shown
from tailrace_crds.language.template_engine import EngineError
from tailrace_crds.language.template_source import Path, is_template
from tailrace_crds.language.undefined import dotted

ROOTS = ("inputs", "vars", "trigger", "tasks", "run", "flow", "item")
"""The names that a flow itself defines; a payload's own keys come after them."""

PAYLOAD_NAMES = ("data", "input")
"""The whole payload, under the names that some callers know it by."""

MAX_TEXT = 64 * 1024
"""The longest template, in characters."""

MAX_RESULT = 10 * 1024 * 1024
"""The longest text and the largest value that a template may make, in characters."""

_FALSE_WORDS = frozenset({"", "false", "0", "no", "off", "null", "none"})

credentials = secrets.references


class TemplateError(ValueError):
    """A template that cannot be parsed or rendered; the message shows the template, never a value."""


def parse(text: str) -> None:
    """Check that a text is a template that can be rendered; TemplateError says why it is not."""
    found = problem(text)
    if found is not None:
        raise TemplateError(found)


@lru_cache(maxsize=4096)
def problem(text: str, *, statements: bool = True) -> str | None:
    """Why a text is no template that can be rendered; None where it is one."""
    if not is_template(text):
        return None
    if len(text) > MAX_TEXT:
        return f"the template is too long: {len(text)} characters, at most {MAX_TEXT}"
    try:
        engine.undeclared(text)
    except EngineError as error:
        return f"{shown(text)}: {error}"
    fault = rules.fault(text, statements=statements)
    return f"{shown(text)}: {fault}" if fault else None


def names(text: str) -> set[str]:
    """The dotted paths that a template reads, without its own variables; a position is `[0]`."""
    return {dotted(path) for path in paths(text)}


@lru_cache(maxsize=4096)
def paths(text: str) -> tuple[Path, ...]:
    """The same as tuples, in order of appearance; none where the text cannot be parsed."""
    if not is_template(text):
        return ()
    try:
        taken = engine.undeclared(text)
    except EngineError:
        return ()
    own = source.assigned(text) - taken | rules.FUNCTIONS
    return tuple(path for path in source.paths(text) if path[0] not in own)


def context(payload: Mapping[str, Any] | None = None, **roots: Any) -> dict[str, Any]:
    """What templates read: the roots, and below them a payload's own keys; the roots win."""
    unknown = set(roots) - set(ROOTS)
    if unknown:
        raise TypeError(f"not roots of a template's context: {sorted(unknown)}")
    whole = dict(payload or {})
    return {**dict.fromkeys(PAYLOAD_NAMES, whole), **whole, **roots}


def render(value: Any, context: Mapping[str, Any]) -> Any:
    """The value with every template in it rendered; keys stay as they are. TemplateError where one cannot be.

    A string in which its author wrote `${NAME}` becomes a SecretText, or stays one.
    """
    return _rendered(value, context, statements=True)


def render_expressions(value: Any, context: Mapping[str, Any]) -> Any:
    """The same, of templates without statements: for programs that render what they did not write."""
    return _rendered(value, context, statements=False)


def is_true(text: str, context: Mapping[str, Any]) -> bool:
    """Whether a `when` holds: not for false, null, zero, what is empty, and the words false, no and off."""
    value = _rendered(text, context, statements=True)
    return value.strip().lower() not in _FALSE_WORDS if isinstance(value, str) else bool(value)


def _rendered(value: Any, context: Mapping[str, Any], *, statements: bool) -> Any:
    if isinstance(value, str):
        return _string(value, context, statements=statements)
    if isinstance(value, dict):
        return {key: _rendered(item, context, statements=statements) for key, item in value.items()}
    if isinstance(value, list):
        return [_rendered(item, context, statements=statements) for item in value]
    return value


def _string(text: str, context: Mapping[str, Any], *, statements: bool) -> Any:
    if "${" not in text:
        return _template(text, text, context, statements=statements) if is_template(text) else text
    # Credentials pass through the engine as marks that nothing in the context can hold, being new each time.
    marks = Marks(text)
    if not is_template(text):
        return marks.replaced(marks.text)
    return marks.replaced(_template(marks.text, text, context, statements=statements))


def _template(text: str, original: str, context: Mapping[str, Any], *, statements: bool) -> Any:
    fault = problem(original, statements=statements)
    if fault is not None:
        raise TemplateError(fault)
    expression = source.expression(text)
    path = None if expression is None else _only_path(expression)
    try:
        if path is not None and path[0] in context:
            return undefined.walk(path, context)
        if expression is None:
            return _checked_size(engine.text(rules.guarded(text), context))
        return _checked_size(engine.evaluate(rules.products(expression), context))
    except undefined.UndefinedError as error:
        raise TemplateError(str(error)) from None
    except EngineError as error:
        message = undefined.message(paths(original), context) if error.undefined else None
        raise TemplateError(message or f"{shown(original)}: {error}") from None


@lru_cache(maxsize=4096)
def _only_path(expression: str) -> Path | None:
    """The path, where an expression is nothing else: it is read as it is, whatever its size."""
    inside = source.words(expression)
    if not inside or inside[0].kind != "name" or inside[0].text in source.KEYWORDS:
        return None
    path, used = source.path_at(inside, 0)
    return path if used == len(inside) else None


def _checked_size(value: Any) -> Any:
    left = MAX_RESULT
    pending = [value]
    while pending:
        item = pending.pop()
        left -= len(item) if isinstance(item, str) else 1
        if left < 0:
            raise EngineError(f"it makes more than {MAX_RESULT} characters")
        if isinstance(item, dict):
            pending.extend(item.values())
            pending.extend(item)
        elif isinstance(item, list):
            pending.extend(item)
    return value
