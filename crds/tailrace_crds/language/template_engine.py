"""minijinja, set up so that a template reads its context and does nothing else."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import minijinja

FUEL = 2_000_000
"""Steps that a template may take; text that it makes costs as well."""

_NO_VALUE = "it gives no value: a name in it is undefined, or an if has no else"


class EngineError(ValueError):
    """Why minijinja could not render a template; `undefined` where a name leads nowhere."""

    def __init__(self, message: str, *, undefined: bool = False) -> None:
        super().__init__(message)
        self.undefined = undefined


def undeclared(text: str) -> frozenset[str]:
    """The names that a template takes from its context; EngineError where it cannot be parsed."""
    try:
        return frozenset(environment().undeclared_variables_in_str(text))
    except minijinja.TemplateError as error:
        raise _engine_error(error) from None


def evaluate(expression: str, context: Mapping[str, Any]) -> Any:
    """The value of one expression, as JSON types."""
    views = {key: view(item) for key, item in context.items()}
    value = plain(_guarded(environment().eval_expr, expression, views))
    if value is None and _guarded(environment().eval_expr, f"({expression}) is undefined", views):
        raise EngineError(_NO_VALUE, undefined=True)
    return value


def text(template: str, context: Mapping[str, Any]) -> str:
    """The text that a template makes."""
    rendered: str = _guarded(
        environment().render_str, template, {key: view(item) for key, item in context.items()}
    )
    return rendered


def _guarded(call: Any, source: str, views: Mapping[str, Any]) -> Any:
    try:
        return call(source, **views)
    except minijinja.TemplateError as error:
        raise _engine_error(error) from None
    except EngineError:
        raise
    except RecursionError:
        raise EngineError("a value in it is nested too deep") from None
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise EngineError(str(error)) from None


def _engine_error(error: minijinja.TemplateError) -> EngineError:
    if error.kind == "OutOfFuel":
        return EngineError("it takes too many steps")
    reason = error.message.rpartition(" (in ")[0] or error.message
    for prefix in ("syntax error: ", "invalid operation: "):
        reason = reason.removeprefix(prefix)
    undefined = error.kind == "UndefinedError"
    return EngineError(_NO_VALUE if undefined else reason, undefined=undefined)


@lru_cache(maxsize=1)
def environment() -> minijinja.Environment:
    """The one environment: strict, without loaders, methods of values, or what looks into the engine."""
    made = minijinja.Environment(
        undefined_behavior="strict",
        fuel=FUEL,
        debug=False,
        pycompat=False,
        finalizer=_written,
        keep_trailing_newline=True,
    )
    for name in ("debug", "namespace", "cycler", "joiner"):
        made.remove_global(name)
    for name in ("attr", "pprint", "safe"):
        made.remove_filter(name)
    made.add_filter("tojson", _tojson)
    made.add_filter("fromjson", _fromjson)
    made.add_filter("times", _times)
    assert not made.loader  # noqa: S101 — a template must not read files
    return made


def _written(value: Any) -> str:
    """How a value is written inside of text: text as it is, all else as JSON."""
    return str(value) if isinstance(value, str) else json_text(plain(value))


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(
        plain(value), ensure_ascii=False, indent=None if indent is None else max(0, min(indent, 8))
    )


def _fromjson(value: str) -> Any:
    try:
        return view(json.loads(value, parse_constant=_no_constant))
    except (ValueError, TypeError):
        raise EngineError("fromjson was given text that is not JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _times(left: Any, right: Any) -> Any:
    for number, other in ((left, right), (right, left)):
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            continue
        if isinstance(other, str) and isinstance(number, int):
            if len(other) * number > FUEL:
                raise EngineError("it takes too many steps")
            return other * number
        if isinstance(other, (int, float)) and not isinstance(other, bool):
            return number * other
    raise EngineError("* is for numbers, and for text and a number")


def json_text(value: Any) -> str:
    """A value as JSON, for text."""
    return json.dumps(value, ensure_ascii=False)


class ObjectView(Mapping[str, Any]):
    """An object as templates see it: to be read, with no method that changes it."""

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def __getitem__(self, key: str) -> Any:
        return view(self._data[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __str__(self) -> str:
        return json_text(self._data)


class ArrayView(Sequence[Any]):
    """An array as templates see it."""

    __slots__ = ("_data",)

    def __init__(self, data: Sequence[Any]) -> None:
        self._data = data

    def __getitem__(self, index: Any) -> Any:
        return view(self._data[index])

    def __len__(self) -> int:
        return len(self._data)

    def __str__(self) -> str:
        return json_text(self._data)


def view(value: Any) -> Any:
    """A JSON value to be given to minijinja."""
    if isinstance(value, dict):
        return ObjectView(value)
    return ArrayView(value) if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """What minijinja gives back, as JSON types; EngineError where it is none of them."""
    if isinstance(value, (ObjectView, ArrayView)):
        return value._data  # noqa: SLF001 — the view is this module's own
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise EngineError("the expression gives a function, not a value")
