"""What a person sees of a Run: its tasks with their state and duration, and its outputs."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

GAP = "  "
HEADS = ("TASK", "TYPE", "STATE", "TOOK", "OUTPUTS")
WIDTH = 60


def tasks_of_run(run: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """A line for each task in a Run's status: name, type, phase, duration."""
    return [
        (
            task["name"],
            task.get("type", ""),
            task["phase"],
            duration(task.get("startTime"), task.get("completionTime")),
        )
        for task in run.get("status", {}).get("tasks", [])
    ]


def tasks_of_execution(body: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """The same for an execution as the facade answers it, and each task's outputs."""
    return [
        (
            task["taskName"],
            task.get("taskType") or "",
            task["status"],
            duration(task.get("startedAt"), task.get("finishedAt")),
            shortened(task.get("outputs") or ""),
        )
        for task in body["tasks"]
    ]


def duration(start: str | None, end: str | None) -> str:
    """Between two RFC 3339 times, as exact as they are; empty where one is missing."""
    if not start or not end:
        return ""
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    if "." not in start + end:
        return f"{seconds:.0f} s" if seconds else "< 1 s"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def tasks(rows: Sequence[Sequence[str]]) -> str:
    """The table of tasks; with as many columns as the rows have."""
    return table(HEADS[: len(rows[0])] if rows else HEADS, rows)


def shortened(text: str) -> str:
    """At most one line of a terminal."""
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def outputs(found: Any) -> str:
    """A Run's outputs on one line."""
    return "outputs: " + json.dumps(found, ensure_ascii=False)
