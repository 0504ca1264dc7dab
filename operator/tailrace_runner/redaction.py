"""Keeping secret values out of everything that leaves the runner: logs, messages, outputs, statuses.

A value is looked for as it is, line by line, and in the forms in which programs commonly print it: base64
(also inside other base64, as in an HTTP Basic header), URL-encoded, escaped in JSON, and wrapped over lines.
Values under four characters are not looked for: replacing every "1" would destroy the text and hide nothing.
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
WRAP = re.compile(r"[ \t]*\r?\n[ \t]*")


class Redactor:
    """Replaces every form of the values it was told with `***`."""

    def __init__(self) -> None:
        self._forms: list[str] = []
        self._wrapped: list[tuple[str, re.Pattern[str]]] = []

    def add(self, value: str) -> None:
        """Remember a secret; what was redacted before this call stays as it is."""
        forms = set(self._forms)
        forms.update(form for form in spellings(value) if len(form) >= SHORTEST)
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._wrapped = [(form, _across_lines(form)) for form in self._forms if "\n" not in form]

    def text(self, text: str) -> str:
        """`text` without the secrets."""
        if not self._forms:
            return text
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        if "\n" in text:
            text = self._unwrap(text)
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without the secrets, in keys as well; a number that is one becomes the mask."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return MASK if self.text(str(value)) != str(value) else value
        return value

    def _unwrap(self, text: str) -> str:
        joined = WRAP.sub("", text)
        for form, pattern in self._wrapped:
            if form in joined:
                text = pattern.sub(MASK, text)
        return text


def spellings(value: str) -> Iterator[str]:
    """Every form in which `value` is looked for."""
    whole = {value, value.strip()}
    whole.update(line.strip() for line in value.splitlines())
    for part in whole:
        if len(part) < SHORTEST:
            continue
        yield part
        yield from _escaped(part)
        yield from _encoded(part)


def _escaped(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    for percent in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield percent
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), percent)


def _encoded(value: str) -> Iterator[str]:
    """Base64 of the value, and what base64 of a longer text with the value in it must contain.

    Three bytes become four characters, so that there are three ways in which the value can lie; the
    characters at either end, which also depend on its neighbours, are left out.
    """
    raw = value.encode("utf-8", "surrogatepass")
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
    for shift in range(3):
        shifted = bytes(shift) + raw
        first = -(-shift * 8 // 6)
        last = len(shifted) * 8 // 6
        # Inside other text a short core would be found by chance.
        if last - first >= SHORTEST * 2:
            yield base64.b64encode(shifted).decode()[first:last]
            yield base64.urlsafe_b64encode(shifted).decode()[first:last]


def _across_lines(form: str) -> re.Pattern[str]:
    return re.compile(f"(?:{WRAP.pattern})?".join(re.escape(character) for character in form))
