"""A problem of a document: where it is, and what would be right there."""

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

_SHOWN = 60


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that can never work; `path` is like `spec.tasks[1].properties.url`, empty for the whole."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def as_dict(self) -> dict[str, str]:
        """The problem as the REST API and the command line write it."""
        return asdict(self)


def joined(path: str, *parts: str | int) -> str:
    """The path of a part: names after a dot, positions in brackets, odd names in quoted brackets."""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isascii() and part.replace("-", "_").isidentifier():
            path += f".{part}" if path else part
        else:
            path += f'["{part}"]'
    return path


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if value is None:
        return "null"
    return "a list" if isinstance(value, list) else "an object"


def shown(text: str) -> str:
    """A text in quotes, cut to a readable length."""
    line = " ".join(text.split())
    return '"' + (line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "...") + '"'


def suggestion(name: str, known: Iterable[str], what: str = "") -> str:
    """What to say after "there is no such name": the nearest one, or all where they are few."""
    names = sorted(set(known))
    if not names:
        return f"; there are no {what}" if what else ""
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6) or _same_letters(name, names)
    if close:
        return "; did you mean " + " or ".join(close) + "?"
    if len(names) <= 12:  # noqa: PLR2004 — a longer list would hide the message
        return f"; known are {', '.join(names)}"
    return ""


def _same_letters(name: str, names: list[str]) -> list[str]:
    """Names that differ only in case and separators, or begin or end alike."""

    def letters(text: str) -> str:
        return "".join(char for char in text.casefold() if char.isalnum())

    wanted = letters(name)
    if not wanted:
        return []
    alike = [other for other in names if letters(other) == wanted]
    return alike or [other for other in names if wanted in letters(other) or letters(other) in wanted][:3]
