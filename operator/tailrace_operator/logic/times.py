"""Times as the API server writes them."""

from datetime import UTC, datetime


def parse(text: str) -> datetime:
    """An RFC 3339 time, aware, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def parse_optional(text: str | None) -> datetime | None:
    """The same, for a field that may be absent."""
    return parse(text) if text else None


def text(time: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise(time: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
