"""Names of what the operator creates, derived so that a second try makes no second object."""

import hashlib
import re
from datetime import datetime

MAX_NAME = 253
MAX_LABEL = 63
LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def job(run: str, uid: str, attempt: int) -> str:
    """The Job of one attempt of a Run."""
    return f"{_cut(run, 40)}-{uid[:8]}-{attempt}"


def task_job(run: str, uid: str, task: str, attempt: int) -> str:
    """The Job of one attempt of a container task."""
    return f"{_cut(run, 30)}-{uid[:8]}-{_digest(f'{task}/{attempt}', 8)}"


def revision(flow: str, digest: str) -> str:
    """The ControllerRevision of a Flow's spec with this SHA-256 (hex)."""
    return f"{_cut(flow, MAX_NAME - 11)}-{digest[:10]}"


def scheduled_run(trigger: str, slot: datetime) -> str:
    """The Run of a schedule's slot."""
    return f"{_cut(trigger, 220)}-{int(slot.timestamp()) // 60}"


def event(run: str, uid: str, reason: str) -> str:
    """The Event at a Run's end."""
    return f"{_cut(run, 220)}.{_digest(f'{uid}/{reason}', 16)}"


def label(value: str) -> str:
    """A name as a label's value: as it is where it can be one, else cut, with a hash that keeps it unique."""
    if LABEL.fullmatch(value):
        return value
    return f"{value[: MAX_LABEL - 9].strip('-._')}-{_digest(value, 8)}".lstrip("-")


def _cut(name: str, length: int) -> str:
    # What is left must not end in a dot or dash: a dash and a letter or digit follow.
    return name[:length].rstrip("-.")


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
