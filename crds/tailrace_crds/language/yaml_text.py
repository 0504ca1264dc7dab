"""YAML text to JSON values, as Kubernetes reads it, without what YAML could do beyond.

Text that is not YAML, aliases that multiply, keys that repeat, values that JSON lacks: each is a problem with
its line. Dates stay text, keys are always text.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tailrace_crds.language.problems import Problem, shown

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_ALIASES = 1000
MAX_NODES = 200_000
"""Of one text, with every alias counted as often as it is used."""


def load_yaml(text: str | bytes) -> tuple[Any, list[Problem]]:
    """The one document of a text, or None and what is wrong."""
    documents, problems = load_documents(text)
    if problems:
        return None, problems
    if len(documents) != 1:
        count = "is empty" if not documents else f"has {len(documents)} documents, separated by ---"
        return None, [Problem("", f"the text {count}; one is expected")]
    return documents[0], []


def load_documents(text: str | bytes) -> tuple[list[Any], list[Problem]]:
    """All documents of a text, empty ones left out; any problem: none of them."""
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        return [], [Problem("", f"the text has {size} bytes, at most {MAX_BYTES} are allowed")]
    try:
        decoded = text.decode() if isinstance(text, bytes) else text.encode().decode()
        _refuse_bombs(decoded)
        reader = _Reader()
        documents = [reader.value(node) for node in yaml.compose_all(decoded, Loader=yaml.CSafeLoader)]
    except UnicodeError:
        return [], [Problem("", "the text is not UTF-8")]
    except yaml.YAMLError as error:
        return [], [Problem("", _explained(error))]
    except _RefusedError as error:
        return [], [Problem("", str(error))]
    return [document for document in documents if document is not None], []


class _RefusedError(Exception):
    """YAML that could be read, but is not let in."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(f"line {mark.line + 1}: {message}" if mark is not None else message)


def _refuse_bombs(text: str) -> None:
    """Depth and aliases are counted on events, before anything is built from them."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > MAX_DEPTH:
            raise _RefusedError(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        if aliases > MAX_ALIASES:
            raise _RefusedError(f"more than {MAX_ALIASES} aliases (*name)", event.start_mark)


class _Reader:
    """Builds JSON values of nodes; aliases are built anew at each use, and counted each time."""

    def __init__(self) -> None:
        self._nodes = 0
        self._open: set[int] = set()

    def value(self, node: Node | None) -> Any:
        if node is None:
            return None
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _RefusedError(f"more than {MAX_NODES} values, aliases counted at each use", node.start_mark)
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if id(node) in self._open:
            raise _RefusedError("an alias stands inside of what it names", node.start_mark)
        self._open.add(id(node))
        try:
            return self._collection(node)
        finally:
            self._open.discard(id(node))

    def _collection(self, node: Node) -> Any:
        if isinstance(node, SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(item) for item in node.value]
        if isinstance(node, MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node)
        raise _RefusedError(f"the tag {node.tag} is not JSON", node.start_mark)

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, ScalarNode):
                raise _RefusedError("a key should be text", key.start_mark)
            if key.tag == "tag:yaml.org,2002:merge":
                for source in self._merge_sources(item):
                    merged = {**source, **merged}
                continue
            if key.value in own:
                raise _RefusedError(f"the key {shown(key.value)} stands there twice", key.start_mark)
            own[key.value] = self.value(item)
        return {**merged, **own}

    def _merge_sources(self, node: Node) -> Iterator[dict[str, Any]]:
        for item in node.value if isinstance(node, SequenceNode) else [node]:
            source = self.value(item)
            if not isinstance(source, dict):
                raise _RefusedError("<< should name an object or a list of them", node.start_mark)
            yield source


_NULLS = {"", "~", "null", "Null", "NULL"}
_EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")
"""Numbers as JSON and Kubernetes have them; YAML 1.1 wants a point in them. Nor is 1:30 a number to them."""
_CONSTRUCTOR = yaml.constructor.SafeConstructor()


def _scalar(node: ScalarNode) -> Any:
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind == "str" and node.style in {None, ""} and _EXPONENT.fullmatch(node.value):
        kind = "float"
    if kind in {"str", "timestamp", "value"} or (kind in {"int", "float"} and ":" in node.value):
        return str(node.value)
    if kind == "null" and node.value in _NULLS:
        return None
    try:
        if kind == "bool":
            return _CONSTRUCTOR.construct_yaml_bool(node)
        if kind == "int":
            return _CONSTRUCTOR.construct_yaml_int(node)
        if kind == "float":
            number = _CONSTRUCTOR.construct_yaml_float(node)
            if math.isfinite(number):
                return number
            raise _RefusedError(f"{node.value} is not a number of JSON", node.start_mark)
    except (ValueError, KeyError):
        raise _RefusedError(f"{shown(node.value)} is not a value of {node.tag}", node.start_mark) from None
    raise _RefusedError(f"the tag {node.tag} is not JSON", node.start_mark)


def _explained(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if mark is None:
        return f"the text is not YAML: {problem}"
    return f"the text is not YAML: line {mark.line + 1}, column {mark.column + 1}: {problem}"
