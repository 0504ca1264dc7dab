"""The text of a template, taken apart: its blocks, their words, and the paths that they read."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

Path = tuple[str | int, ...]
"""What a template reads, such as ("tasks", "fetch", "outputs", "items", 0)."""

KEYWORDS = frozenset("and or not in is if elif else true false none True False None recursive".split())  # noqa: SIM905 — reads as the list it is

_OPENING = re.compile(r"\{\{|\{%|\{#")
_STRING = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
_NUMBER = r"0[xXoObB][0-9a-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?"
_WORD = re.compile(
    rf"\s+|(?P<string>{_STRING})|(?P<name>[^\W\d]\w*)|(?P<number>{_NUMBER})|(?P<op>//|\*\*|[=!<>]=|.)",
    re.DOTALL,
)
_RAW = re.compile(r"[-+]?\s*raw\s*[-+]?%\}")
_RAW_END = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")


class Block(NamedTuple):
    """A piece of a template: `kind` is text, expression, statement or comment; `source` its inside."""

    kind: str
    source: str
    start: int
    """Where the inside begins in the template."""


class Word(NamedTuple):
    """A word of an expression; `kind` is string, name, number or op."""

    kind: str
    text: str


def is_template(text: str) -> bool:
    """Whether there is anything to render in the text."""
    return _OPENING.search(text) is not None


@lru_cache(maxsize=4096)
def blocks(text: str) -> tuple[Block, ...]:
    """The pieces of a template in order; what is not closed counts as text."""
    found: list[Block] = []
    end = 0
    while opening := _OPENING.search(text, end):
        if opening.start() > end:
            found.append(Block("text", text[end : opening.start()], end))
        piece, end = _block(text, opening.start())
        found.append(piece)
    if end < len(text):
        found.append(Block("text", text[end:], end))
    return tuple(found)


def _block(text: str, start: int) -> tuple[Block, int]:
    """The block that opens at `start`, and where it ends."""
    kind = {"{{": "expression", "{%": "statement", "{#": "comment"}[text[start : start + 2]]
    inside = start + 2
    raw = _RAW.match(text, inside) if kind == "statement" else None
    if raw is not None:
        return _raw(text, raw.end())
    if kind == "comment":
        close = text.find("#}", inside)
    else:
        close = _closing(text, inside, "}}" if kind == "expression" else "%}")
    if close < 0:
        return Block("text", text[start:], start), len(text)
    first = inside + (text[inside : inside + 1] in {"-", "+"} and inside < close)
    last = close - (text[close - 1] in {"-", "+"} and close > first)
    return Block(kind, text[first:last], first), close + 2


def _raw(text: str, start: int) -> tuple[Block, int]:
    end = _RAW_END.search(text, start)
    if end is None:
        return Block("text", text[start:], start), len(text)
    return Block("text", text[start : end.start()], start), end.end()


def _closing(text: str, position: int, closing: str) -> int:
    """Where the block's end stands, strings and braces within left aside; -1 where it has none."""
    depth = 0
    while position < len(text):
        if depth == 0 and text.startswith(closing, position):
            return position
        match = _WORD.match(text, position)
        if match is None:
            return -1
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        position = match.end()
    return -1


def expression(text: str) -> str | None:
    """The source of the one expression that is all of the text, but for white space around; else None."""
    stripped = text.strip()
    if not stripped.startswith("{{"):
        return None
    found = blocks(stripped)
    return found[0].source.strip() if len(found) == 1 and found[0].kind == "expression" else None


@lru_cache(maxsize=4096)
def words(source: str) -> tuple[Word, ...]:
    """The words of an expression or statement, white space left out."""
    return tuple(
        Word(match.lastgroup, match.group())
        for match in _WORD.finditer(source)
        if match.lastgroup is not None
    )


def code(text: str) -> Iterator[Block]:
    """The expressions and statements of a template."""
    return (block for block in blocks(text) if block.kind in {"expression", "statement"})


def paths(text: str) -> dict[Path, None]:
    """Every path in the template, in order; the template's own variables are among them."""
    found: dict[Path, None] = {}
    for block in code(text):
        inside = words(block.source)
        for index in _starts(inside, statement=block.kind == "statement"):
            found[path_at(inside, index)[0]] = None
    return found


def assigned(text: str) -> frozenset[str]:
    """The names that the template's own statements give values to."""
    found: set[str] = set()
    for block in code(text):
        inside = words(block.source)
        if block.kind == "statement" and inside and inside[0].text in {"for", "set", "with"}:
            found |= _targets(inside)
    return frozenset(found)


def _targets(inside: tuple[Word, ...]) -> set[str]:
    if inside[0].text == "for":
        end = next((index for index, word in enumerate(inside) if word.text == "in"), len(inside))
        return {word.text for word in inside[1:end] if word.kind == "name"} | {"loop"}
    named = {word.text for word, after in pairwise(inside) if word.kind == "name" and after.text == "="}
    return named | {word.text for word in inside[1:2] if word.kind == "name"}


def _starts(inside: tuple[Word, ...], *, statement: bool) -> Iterator[int]:
    """Where paths begin: names that are no attribute, filter, test, keyword, or what a value is given to."""
    first = 1 if statement else 0
    if statement and inside[:1] == (Word("name", "for"),):
        first = next((index for index, word in enumerate(inside) if word.text == "in"), len(inside))
    for index in range(first, len(inside)):
        word, before = inside[index], inside[index - 1].text if index else ""
        follows = inside[index + 1].text if index + 1 < len(inside) else ""
        if word.kind != "name" or word.text in KEYWORDS or before in {".", "|"} or follows == "=":
            continue
        if not is_test(inside, index):
            yield index


def is_test(inside: tuple[Word, ...], index: int) -> bool:
    """Whether a name is a test: `is name`, `is not name`."""
    before = [word.text for word in inside[max(0, index - 2) : index]]
    return before[-1:] == ["is"] or before == ["is", "not"]


def path_at(inside: tuple[Word, ...], index: int) -> tuple[Path, int]:
    """The path that begins at a name, of attributes and constant subscripts, and the word after it."""
    path: list[str | int] = [inside[index].text]
    index += 1
    while index < len(inside):
        opening, *rest = inside[index : index + 3]
        if opening.text == "." and rest and rest[0].kind == "name":
            path.append(rest[0].text)
            index += 2
        elif opening.text == "." and rest and rest[0].kind == "number" and rest[0].text.isdigit():
            path.append(int(rest[0].text))
            index += 2
        elif (
            opening.text == "[" and rest[1:] and rest[1].text == "]" and rest[0].kind in {"string", "number"}
        ):
            path.append(_constant(rest[0]))
            index += 3
        else:
            break
    return tuple(path), index


def _constant(word: Word) -> str | int:
    if word.kind == "string":
        return re.sub(r"\\([\"'\\])", r"\1", word.text[1:-1])
    return int(float(word.text)) if word.text[:2].lower() not in {"0x", "0o", "0b"} else int(word.text, 0)
