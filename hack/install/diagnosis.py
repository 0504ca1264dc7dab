"""What explains why something does not work: pods, events, and what the programs said last."""

from common.console import ToolError
from install.kubernetes import Kubernetes

TAIL = "--tail=40"
QUESTIONS = (
    ("pods", ("get", "pods", "-A", "-o", "wide")),
    ("events", ("get", "events", "-A", "--field-selector=type=Warning", "--sort-by=.lastTimestamp")),
    ("operator", ("logs", "-l", "app.kubernetes.io/component=operator", TAIL)),
    ("operator, before", ("logs", "-l", "app.kubernetes.io/component=operator", TAIL, "--previous")),
    ("facade", ("logs", "-l", "app.kubernetes.io/component=api", TAIL)),
    ("facade, before", ("logs", "-l", "app.kubernetes.io/component=api", TAIL, "--previous")),
    ("runners", ("logs", "-n", "default", "-l", "app.kubernetes.io/component=runner", TAIL, "--prefix")),
    ("resources", ("get", "tailrace", "-A")),
    ("hooks", ("logs", "-l", "app.kubernetes.io/component=hook", TAIL)),
)


def diagnosis(kubernetes: Kubernetes, namespace: str) -> str:
    """The answers that there are; a question that fails is left out."""
    found = []
    for title, question in QUESTIONS:
        where = () if {"-A", "-n"} & set(question) else ("-n", namespace)
        try:
            answer = kubernetes.kubectl(*question, *where).strip()
        except ToolError:
            continue
        if answer:
            found.append(f"--- {title}\n{answer}")
    return "\n".join(found)
