"""The text of a template, taken apart: its blocks, and the paths, filters and calls that it names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

Path = tuple[str | int, ...]
"""What a template reads, such as ("tasks", "fetch", "outputs", "items", 0)."""

_OPENING = re.compile(r"\{\{|\{%|\{#")
_STRING = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
_TOKEN = re.compile(
    rf"\s+|(?P<string>{_STRING})|(?P<name>[^\W\d]\w*)|(?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<op>//|\*\*|[=!<>]=|.)",
    re.DOTALL,
)
_RAW = re.compile(r"[-+]?\s*raw\s*[-+]?%\}")
_RAW_END = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")


@dataclass(frozen=True)
class Block:
    """A piece of a template: `kind` is text, expression, statement or comment; `source` its inside."""

    kind: str
    source: str


@dataclass(frozen=True)
class Token:
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
            found.append(Block("text", text[end : opening.start()]))
        piece, end = _block(text, opening.start())
        found.append(piece)
    if end < len(text):
        found.append(Block("text", text[end:]))
    return tuple(found)


def _block(text: str, start: int) -> tuple[Block, int]:
    """The block that opens at `start`, and where it ends."""
    opening, inside = text[start : start + 2], start + 2
    if opening == "{#":
        close = text.find("#}", inside)
        return (
            (Block("comment", text[inside:close]), close + 2)
            if close >= 0
            else (Block("text", text[start:]), len(text))
        )
    raw = _RAW.match(text, inside) if opening == "{%" else None
    if raw is not None:
        raw_end = _RAW_END.search(text, raw.end())
        close = raw_end.start() if raw_end else len(text)
        return Block("text", text[raw.end() : close]), raw_end.end() if raw_end else len(text)
    closing = "}}" if opening == "{{" else "%}"
    end = _closing(text, inside, closing)
    if end is None:
        return Block("text", text[start:]), len(text)
    source = text[inside:end].removeprefix("-").removeprefix("+").removesuffix("-").removesuffix("+")
    return Block("expression" if opening == "{{" else "statement", source), end + 2


def _closing(text: str, position: int, closing: str) -> int | None:
    """Where the block's end stands, strings and nested braces left aside."""
    depth = 0
    while position < len(text):
        if depth == 0 and text.startswith(closing, position):
            return position
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        position = match.end()
    return None


def expression(text: str) -> str | None:
    """The source of the one expression that is all of the text, but for white space around; else None."""
    stripped = text.strip()
    if not (stripped.startswith("{{") and stripped.endswith("}}")):
        return None
    found = blocks(stripped)
    return found[0].source.strip() if len(found) == 1 and found[0].kind == "expression" else None


@lru_cache(maxsize=4096)
def tokens(source: str) -> tuple[Token, ...]:
    """The words of an expression or statement, white space left out."""
    return tuple(
        Token(match.lastgroup, match.group())
        for match in _TOKEN.finditer(source)
        if match.lastgroup is not None
    )


@lru_cache(maxsize=4096)
def paths(text: str) -> tuple[Path, ...]:
    """Every path that the template's expressions and statements begin with a name; locals are among them."""
    found: dict[Path, None] = {}
    for block in blocks(text):
        if block.kind in {"expression", "statement"}:
            words = tokens(block.source)
            for index in _starts(words, statement=block.kind == "statement"):
                found[path_at(words, index)[0]] = None
    return tuple(found)


_KEYWORDS = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "is",
        "if",
        "else",
        "true",
        "false",
        "none",
        "True",
        "False",
        "None",
        "recursive",
        "loop",
    ]
)


def _starts(words: tuple[Token, ...], *, statement: bool) -> Iterator[int]:
    """Where paths begin: names that are no attribute, filter, test, keyword or keyword argument."""
    after_is = False
    for index, word in enumerate(words):
        before = words[index - 1].text if index else ""
        follows = words[index + 1].text if index + 1 < len(words) else ""
        if word.kind != "name":
            after_is = False
            continue
        if after_is and before in {"is", "not"}:
            after_is = word.text == "not"
            continue
        after_is = word.text == "is"
        if word.text in _KEYWORDS or before in {".", "|"} or (statement and index == 0):
            continue
        if follows == "=" and not statement and before in {"(", ","}:
            continue
        yield index


def path_at(words: tuple[Token, ...], index: int) -> tuple[Path, int]:
    """The path that begins at a name, of attributes and constant subscripts, and the word after it.

    A method that is called on it is left out.
    """
    path: list[str | int] = [words[index].text]
    index += 1
    while index < len(words):
        rest = words[index : index + 4]
        if rest[0].text == "." and len(rest) > 1 and rest[1].kind == "name":
            if len(rest) > 2 and rest[2].text == "(":  # noqa: PLR2004 — a call: .name(
                break
            path.append(rest[1].text)
            index += 2
        elif rest[0].text == "." and len(rest) > 1 and rest[1].kind == "number" and rest[1].text.isdigit():
            path.append(int(rest[1].text))
            index += 2
        elif (
            rest[0].text == "["
            and len(rest) > 2
            and rest[2].text == "]"
            and rest[1].kind in {"string", "number"}
        ):
            key = rest[1].text
            path.append(unquoted(key) if rest[1].kind == "string" else int(float(key)))
            index += 3
        else:
            break
    return tuple(path), index


def unquoted(literal: str) -> str:
    """The value of a string literal; escapes other than of quotes and backslashes stay as they are."""
    return re.sub(r"\\([\"'\\])", r"\1", literal[1:-1])


def filters(text: str) -> Iterator[str]:
    """The names of the filters that a template uses."""
    for block in blocks(text):
        if block.kind in {"expression", "statement"}:
            words = tokens(block.source)
            for index, word in enumerate(words):
                if index and word.kind == "name" and words[index - 1].text == "|":
                    yield word.text
