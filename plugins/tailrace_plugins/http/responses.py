"""What a response means: its body as JSON, text or bytes, and when to come again."""

import base64
import json
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

_TEXT_TYPES = ("xml", "javascript", "yaml", "x-www-form-urlencoded", "graphql")


def body(content: bytes, content_type: str | None) -> tuple[Any, str | None]:
    """The body and its encoding: JSON where the type says so, text where it is text, else base64."""
    if not content:
        return None, None
    message = Message()
    message["content-type"] = content_type or "text/plain"
    kind, charset = message.get_content_type(), message.get_content_charset()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return json.loads(content), None
        except (ValueError, RecursionError):
            kind = "text/plain"
    if kind.startswith("text/") or charset or kind.endswith(_TEXT_TYPES):
        try:
            return content.decode(charset or "utf-8"), None
        except (UnicodeDecodeError, LookupError):
            pass
    return base64.b64encode(content).decode(), "base64"


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds to wait, of a Retry-After with seconds or with a date; None where it says nothing."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 — 31 years
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def is_success(status: int, codes: list[int | str] | None) -> bool:
    """Whether a status is expected; codes are numbers or classes such as `2xx`, by default 2xx."""
    return any(status == code or f"{status // 100}xx" == code for code in codes or ["2xx"])


def is_worth_a_retry(status: int) -> bool:
    """Whether the same request could be answered otherwise later."""
    return status in {408, 425, 429} or status >= 500  # noqa: PLR2004 — the class of server errors
