"""Names: of resources, from what people call things; of Runs, from what causes them."""

import hashlib
import re
import secrets
import string
import unicodedata
from typing import Any

MAX_SLUG = 50
MAX_LABEL = 63
RUN_PREFIX = 220
_ALPHABET = string.ascii_lowercase + string.digits


def display(item: dict[str, Any]) -> str:
    """What people call a resource: its title, or its name where it has none."""
    return str(item["spec"].get("title") or item["metadata"]["name"])


def slug(title: str, fallback: str) -> str:
    """A title as the name of a Kubernetes object: `Shopify → NetSuite` becomes `shopify-netsuite`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:MAX_SLUG].strip("-") or fallback


def candidates(title: str, fallback: str) -> tuple[str, str]:
    """The names to try for a title, in this order.

    Both follow from the title alone, so that two requests for one title at the same time meet at one name.
    """
    first = slug(title, fallback)
    return first, f"{first}-{_digest(title, 8)}"


def label(value: str) -> str:
    """A name as a label's value: as it is where it fits, else cut, with a hash that keeps it unique."""
    return value if len(value) <= MAX_LABEL else f"{_cut(value, MAX_LABEL - 9)}-{_digest(value, 8)}"


def caused_run(namespace: str, flow: str, cause: str) -> str:
    """The Run of a cause: the same cause gives the same name, which the API server accepts only once."""
    return f"{_cut(flow, RUN_PREFIX)}-{_digest(f'{namespace}/{flow}/{cause}', 16)}"


def any_run(flow: str) -> str:
    """The Run of a call without a cause."""
    return f"{_cut(flow, RUN_PREFIX)}-{''.join(secrets.choice(_ALPHABET) for _ in range(10))}"


def _cut(name: str, length: int) -> str:
    return name[:length].rstrip("-.")


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
