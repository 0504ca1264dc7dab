"""How a refusal looks: workflowdev documents no form, so this one is ours (docs/dialects/workflowdev.md)."""

import orjson
from fastapi import Response
from pydantic import Field

from tailrace_api.dialects.workflowdev.wire import Answer
from tailrace_api.http.failures import Refusal


class Detail(Answer):
    """One place in the request and what would be right there."""

    path: str
    message: str


class Error(Answer):
    """Every answer with a status of 400 or more."""

    error: str = Field(description="A code for programs, such as flow_not_found.")
    message: str
    details: list[Detail]


def render(refusal: Refusal) -> Response:
    """The refusal as a response."""
    body = {
        "error": refusal.code,
        "message": refusal.message,
        "details": [problem.as_dict() for problem in refusal.details],
    }
    return Response(
        orjson.dumps(body), refusal.status, headers=refusal.headers, media_type="application/json"
    )
