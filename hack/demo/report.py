"""What a person sees of a Run: its tasks with their state and duration, and its outputs."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

GAP = "  "


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


def tasks_of_execution(body: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """The same for an execution as the facade answers it."""
    return [
        (
            task["taskName"],
            task.get("taskType") or "",
            task["status"],
            duration(task.get("startedAt"), task.get("finishedAt")),
        )
        for task in body["tasks"]
    ]


def duration(start: str | None, end: str | None) -> str:
    """Between two RFC 3339 times; empty where one is missing."""
    if not start or not end:
        return ""
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def tasks(rows: Iterable[Sequence[str]]) -> str:
    """The table of tasks."""
    return table(("TASK", "TYPE", "STATE", "TOOK"), rows)


def outputs(found: Any) -> str:
    """A Run's outputs on one line."""
    return "outputs: " + json.dumps(found, ensure_ascii=False)
