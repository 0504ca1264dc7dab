"""`${NAME}`: a credential's place in a text, and which credential a name means.

A text that its author wrote with `${NAME}` becomes a `SecretText` when templates are rendered; only such a
text is ever resolved. What a template inserts (an input, a payload) stays plain, so that data that happens to
hold `${NAME}` can never call for a credential. `$${` stands for a literal `${`.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple, Self

PLACE = re.compile(r"(?P<escaped>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_ .-]*)\}")


class Reference(NamedTuple):
    """The place of one credential in a text."""

    name: str


class SecretText(str):
    """A text with credentials in it: as a string it shows `${NAME}`, never a value."""

    __slots__ = ("parts",)
    parts: tuple[str | Reference, ...]

    def __new__(cls, parts: Iterable[str | Reference]) -> Self:
        """Join literal pieces and references."""
        kept = tuple(part for part in parts if part)
        shown = "".join(f"${{{part.name}}}" if isinstance(part, Reference) else part for part in kept)
        text = super().__new__(cls, shown)
        text.parts = kept
        return text

    @property
    def names(self) -> set[str]:
        """The credentials that it asks for."""
        return {part.name for part in self.parts if isinstance(part, Reference)}

    async def filled(self, value_of: Callable[[str], Awaitable[str]]) -> str:
        """The text with every reference replaced by its value."""
        return "".join(
            [await value_of(part.name) if isinstance(part, Reference) else part for part in self.parts]
        )


class Marks:
    """A text whose references are replaced by marks, while something else works on it, and put back after."""

    def __init__(self, written: str) -> None:
        self._nonce = secrets.randbelow(10**20)
        self._names: list[str] = []
        self.text = PLACE.sub(self._mark, written)

    def _mark(self, match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        self._names.append(match["name"])
        return f"\ue000{self._nonce:020}.{len(self._names) - 1}\ue001"

    def replaced(self, value: Any) -> Any:
        """The JSON value with a SecretText for each string that holds a mark."""
        if isinstance(value, str) and "\ue000" in value:
            return self._secret_text(value)
        if isinstance(value, dict):
            return {key: self.replaced(item) for key, item in value.items()}
        return [self.replaced(item) for item in value] if isinstance(value, list) else value

    def _secret_text(self, text: str) -> str:
        pieces = re.split(rf"\ue000{self._nonce:020}\.(\d+)\ue001", text)
        if len(pieces) == 1:
            return text
        return SecretText(
            Reference(self._names[int(piece)]) if index % 2 else piece for index, piece in enumerate(pieces)
        )


def references(value: Any) -> set[str]:
    """The names in all strings of a JSON value, as its author wrote it."""
    found: set[str] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, SecretText):
            found |= item.names
        elif isinstance(item, str) and "${" in item:
            found |= {match["name"] for match in PLACE.finditer(item) if match["name"]}
        elif isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return found


def upper_snake(text: str) -> str:
    """`Slack Bot Token`, `slack-bot-token` and `slackBotToken` as `SLACK_BOT_TOKEN`."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    return re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_").upper()


def matches(name: str, title: str | None, reference: str) -> bool:
    """Whether `${reference}` means the Credential of this metadata.name and title."""
    own = [text for text in (title, name) if text]
    return reference in own or (reference == reference.upper() and reference in map(upper_snake, own))


def find(candidates: Iterable[tuple[str, str | None]], reference: str) -> str | None:
    """The name of the Credential that `${reference}` means, of (name, title) pairs.

    The exact title or name beats an UPPER_SNAKE form; among equals the first by name.
    """
    ordered = sorted(candidates)
    for name, title in ordered:
        if reference in (title, name):
            return name
    return next((name for name, title in ordered if matches(name, title, reference)), None)


def allows(hosts: Iterable[str], host: str, port: int | None = None) -> bool:
    """Whether a credential bound to these hosts may be sent there; without hosts it is bound to none.

    A host is `api.example.com` or `*.example.com` (what stands below it alone), with or without `:port`.
    """
    target = host.rstrip(".").casefold()
    return any(_covers(pattern.casefold(), target, port) for pattern in hosts)


def _covers(pattern: str, host: str, port: int | None) -> bool:
    pattern, _, wanted_port = pattern.partition(":")
    if wanted_port and wanted_port != str(port):
        return False
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern
