"""Lengths of time as text: `500ms`, `30s`, `1h30m`, `2d`."""

import re

MAX_SECONDS = 3650 * 86400
"""The longest duration: ten years."""

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_WHOLE = re.compile(
    r"(?:(\d{1,15})d)?(?:(\d{1,15})h)?(?:(\d{1,15})m)?(?:(\d{1,15})s)?(?:(\d{1,15})ms)?", re.ASCII
)


def parse(text: str) -> float:
    """Seconds of a duration; a ValueError says what would be right."""
    match = _WHOLE.fullmatch(text) if text else None
    if match is None:
        raise ValueError(
            f"{text[:40]!r} is not a duration: write whole numbers with the units d, h, m, s and ms, "
            "largest first, such as 500ms, 30s or 1h30m"
        )
    seconds = sum(
        int(count) * unit for count, unit in zip(match.groups(), _UNITS.values(), strict=True) if count
    )
    if seconds > MAX_SECONDS:
        raise ValueError(f"{text!r} is too long: at most 3650d")
    return seconds


def format(seconds: float) -> str:  # noqa: A001 — read as durations.format
    """The shortest text of a duration, rounded to milliseconds; not less than zero."""
    left = max(0, round(seconds * 1000))
    text = ""
    for unit, length in _UNITS.items():
        count, left = divmod(left, round(length * 1000))
        if count:
            text += f"{count}{unit}"
    return text or "0s"
