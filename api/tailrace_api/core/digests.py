"""SHA-256 over JSON values: the same value, however its keys are ordered, has the same digest."""

import hashlib
from typing import Any

import orjson


def digest(value: Any) -> str:
    """In hex."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
