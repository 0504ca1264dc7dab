"""What a template may not do although minijinja could, and what it names that does not exist.

Values that share their parts can be small to hold and endless to write down: a list repeated a million times,
or doubled by a variable thirty times. minijinja's fuel does not see it. So lists are not repeated (`*` is for
numbers and text), and templates that are rendered outside of a pod of their own have no statements.
"""

from collections.abc import Iterator

from tailrace_crds.language import template_source as source
from tailrace_crds.language.problems import suggestion
from tailrace_crds.language.template_source import Word

FILTERS = frozenset(
    (  # noqa: SIM905 — reads as the list it is
        "abs batch bool capitalize chain count d default dictsort e escape filesizeformat first float "
        "format fromjson groupby indent int items join last length lines list lower map max min pluralize "
        "reject rejectattr replace reverse round select selectattr slice sort split string striptags sum "
        "times title tojson trim truncate unique upper urlencode wordwrap zip"
    ).split()
)
TESTS = frozenset(
    (  # noqa: SIM905 — reads as the list it is
        "boolean defined divisibleby endingwith eq equalto even false float ge greaterthan gt in integer "
        "int iterable le lessthan lower lt mapping ne none number odd sameas sequence startingwith string "
        "true undefined upper"
    ).split()
)
FUNCTIONS = frozenset({"range", "dict"})
STATEMENTS = frozenset("for endfor if elif else endif set endset with endwith filter endfilter".split())  # noqa: SIM905 — the same


def fault(text: str, *, statements: bool) -> str | None:
    """What of a template that minijinja can parse is not let in; None where nothing is."""
    for block in source.code(text):
        inside = source.words(block.source)
        if block.kind == "statement":
            name = inside[0].text if inside else ""
            if name not in STATEMENTS:
                return f"{{% {name} %}} is not available; there are for, if, set, with and filter"
            if not statements:
                return f"only expressions ({{{{ … }}}}) can be used here, {{% {name} %}} cannot"
        for message in _faults(inside):
            return message
    return None


def _faults(inside: tuple[Word, ...]) -> Iterator[str]:
    for index, word in enumerate(inside):
        before = inside[index - 1].text if index else ""
        calls = index + 1 < len(inside) and inside[index + 1].text == "("
        if word.kind == "name" and before == "|":
            if word.text not in FILTERS:
                yield f"there is no filter {word.text}{suggestion(word.text, FILTERS)}"
        elif word.kind == "name" and source.is_test(inside, index) and word.text != "not":
            if word.text not in TESTS:
                yield f"there is no test {word.text}{suggestion(word.text, TESTS)}"
        elif calls and word.kind == "name" and before == ".":
            yield f"methods cannot be called; instead of .{word.text}() use a filter{_filter_for(word.text)}"
        elif calls and word.kind == "name" and word.text not in source.KEYWORDS | STATEMENTS | FUNCTIONS:
            yield f"there is no function {word.text}; there are range and dict"
        elif calls and (word.text in {")", "]", "}"} or word.kind == "string"):
            yield "a value cannot be called as a function"


_METHODS = {
    "strip": "trim",
    "keys": "list",
    "values": "items",
    "get": "default",
    "len": "length",
    "size": "length",
}


def _filter_for(method: str) -> str:
    name = _METHODS.get(method, method)
    return f": |{name}" if name in FILTERS else ""


def guarded(text: str) -> str:
    """The template with every `a * b` written as `(a)|times(b)`, which repeats no lists."""
    pieces, end = [], 0
    for block in source.code(text) if "*" in text else ():
        if "*" in block.source:
            pieces += [text[end : block.start], f" {products(block.source)} "]
            end = block.start + len(block.source)
    return "".join(pieces) + text[end:]


def products(expression: str) -> str:
    """One expression or statement, in the same way."""
    return _products(source.words(expression)) if "*" in expression else expression


_CLOSING = {"(": ")", "[": "]", "{": "}"}
_FACTORS = frozenset({"*", "/", "//", "%"})
_WEAKER = frozenset(", : = + - ~ == != < > <= >= and or not in if elif else set for".split())  # noqa: SIM905 — the same


def _products(inside: tuple[Word, ...]) -> str:
    done: list[str] = []
    term = index = 0
    while index < len(inside):
        word = inside[index]
        if word.text in _CLOSING:
            close = _matching(inside, index)
            done.append(word.text + _products(inside[index + 1 : close]) + _CLOSING[word.text])
            index = close + 1
        elif word.text == "*" and word.kind == "op":
            end = _operand_end(inside, index + 1)
            done[term:] = [f"({' '.join(done[term:])})|times({_products(inside[index + 1 : end])})"]
            index = end
        else:
            done.append(word.text)
            term = len(done) if _separates(inside, index) else term
            index += 1
    return " ".join(done)


def _operand_end(inside: tuple[Word, ...], index: int) -> int:
    """The word after the factor that begins here."""
    while index < len(inside):
        word = inside[index]
        if word.text in _CLOSING and word.kind == "op":
            index = _matching(inside, index) + 1
        elif (word.text in _FACTORS and word.kind == "op") or _separates(inside, index):
            return index
        else:
            index += 1
    return index


def _separates(inside: tuple[Word, ...], index: int) -> bool:
    """Whether a word binds weaker than `*`; a minus before its operand does not."""
    word, before = inside[index], inside[index - 1] if index else None
    if (
        word.kind == "string"
        or word.text not in _WEAKER
        or (before is not None and before.text in {".", "|"})
    ):
        return False
    if word.text == "-":
        return before is not None and (before.kind != "op" or before.text in {")", "]", "}"})
    return not (word.text == "not" and before is not None and before.text == "is")


def _matching(inside: tuple[Word, ...], index: int) -> int:
    """Where the bracket that opens here closes; the end, where it does not."""
    depth = 0
    for position in range(index, len(inside)):
        if inside[position].kind == "op":
            depth += (inside[position].text in _CLOSING) - (inside[position].text in {")", "]", "}"})
        if depth == 0:
            return position
    return len(inside)
