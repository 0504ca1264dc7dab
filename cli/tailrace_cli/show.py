"""A flow's events as lines for people: tasks as they go, their log, and at the end the outputs."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

Event = Mapping[str, Any]

COLOURS = {
    "Succeeded": "green",
    "Partial": "green",
    "Failed": "red",
    "TimedOut": "red",
    "Cancelled": "yellow",
    "Skipped": "bright_black",
    "Running": "cyan",
    "Pending": "bright_black",
}
LEVELS = {"debug": "bright_black", "warning": "yellow", "error": "red"}
ENDED = frozenset({"Succeeded", "Failed", "TimedOut", "Cancelled", "Skipped"})


def seconds(start: str | None, end: str | None) -> str:
    """The time between two moments, as people write it."""
    if not start or not end:
        return ""
    took = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return f"{took:.1f}s" if took >= 1 else f"{took * 1000:.0f}ms"


def console() -> Console:
    """Standard output; it says itself whether it is a terminal."""
    return Console(highlight=False)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows in columns: folded to a terminal's width, one line each where a program may read them."""
    output = console()
    if output.is_terminal:
        grid = Table(*head, box=None, pad_edge=False, show_header=bool(head))
        for row in rows:
            grid.add_row(*(Text(cell) for cell in row))
        output.print(grid)
        return
    everything = [head, *rows] if head else rows
    widths = [max(map(len, column)) for column in zip(*everything, strict=True)]
    for row in everything:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


class JsonLines:
    """Events as they are: for programs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()

    def show(self, event: Event) -> None:
        """One event, one line."""
        sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
        sys.stdout.flush()


class PlainLines:
    """One line an event, for files and pipes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()

    def show(self, event: Event) -> None:
        """What is worth a line."""
        line = _line(event)
        if line:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


class LiveTable:
    """A table of the tasks that changes in place, below the log; for terminals."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[str, Event] = {}
        self._live = Live(console=console, refresh_per_second=8, get_renderable=self._render)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Change the table, or print above it."""
        kind = event["event"]
        if kind == "task":
            self._tasks[event["name"]] = event
        elif kind == "log":
            self._console.print(_log_text(event))
        elif kind == "run":
            self._live.refresh()
            self._live.stop()
            self._console.print(_end_text(event))

    def _render(self) -> RenderableType:
        table = Table(box=None, pad_edge=False, show_header=False)
        for task in self._tasks.values():
            phase = task["phase"]
            colour = COLOURS.get(phase, "")
            mark: RenderableType = Spinner("dots") if phase == "Running" else Text(_mark(phase), style=colour)
            took = seconds(task.get("startTime"), task.get("completionTime")) if phase != "Skipped" else ""
            message = Text(task.get("message") or "", style="bright_black", overflow="ellipsis", no_wrap=True)
            attempts = f"attempt {task['attempts']}" if task.get("attempts", 0) > 1 else ""
            table.add_row(
                mark,
                task["name"],
                Text(task["type"], style="bright_black"),
                Text(phase, style=colour),
                took,
                attempts,
                message,
            )
        return Group(table)


def _mark(phase: str) -> str:
    return {"Succeeded": "✓", "Failed": "✗", "TimedOut": "✗", "Cancelled": "■", "Skipped": "-"}.get(
        phase, "·"
    )


def _line(event: Event) -> str:
    kind = event["event"]
    if kind == "log":
        return _log_text(event).plain
    if kind == "run":
        return _end_text(event).plain
    phase = event["phase"]
    if phase not in ENDED and not (phase == "Running" and event.get("attempts") == 1):
        return ""
    took = (
        seconds(event.get("startTime"), event.get("completionTime")) if phase in ENDED - {"Skipped"} else ""
    )
    parts = [event["name"], event["type"], phase, took, event.get("message") or ""]
    return "  ".join(part for part in parts if part)


def _log_text(event: Event) -> Text:
    who = f"{event['task']} | " if event.get("task") else ""
    return Text.assemble((who, "bright_black"), (event["message"], LEVELS.get(event["level"], "")))


def _end_text(event: Event) -> Text:
    phase = event["phase"]
    text = Text.assemble((phase, f"bold {COLOURS.get(phase, '')}"), f" in {event['durationMs'] / 1000:.1f}s")
    if event.get("message"):
        text.append(f": {event['message']}")
    if event.get("outputs"):
        text.append("\n" + json.dumps(event["outputs"], indent=2, ensure_ascii=False))
    return text
