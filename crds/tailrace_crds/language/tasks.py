"""The tasks of a Flow with the places where they stand."""

from typing import NamedTuple

from tailrace_crds.flow import FlowSpec, Task


class Place(NamedTuple):
    """A task, its section (tasks, onFailure, finally) and its path."""

    task: Task
    section: str
    path: str


def places(flow: FlowSpec) -> list[Place]:
    """All tasks in the order in which the sections run."""
    sections = (("tasks", flow.tasks), ("onFailure", flow.on_failure), ("finally", flow.finally_))
    return [
        Place(task, section, f"spec.{section}[{index}]")
        for section, tasks in sections
        for index, task in enumerate(tasks)
    ]
