"""The one place where the core learns what time it is; tests hand it another."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


def parse(text: str) -> datetime:
    """A time as Kubernetes writes it (RFC 3339)."""
    return datetime.fromisoformat(text).astimezone(UTC)
