"""Users' routes: there are none while JWT is off, which is the documented default."""

from fastapi import APIRouter, Response

from tailrace_api.dialects.workflowdev.envelope import render
from tailrace_api.http.failures import Refusal

MESSAGE = (
    "JWT authentication is off (the chart's value api.jwt.enabled): there are no users to register or log in"
)
router = APIRouter()


@router.api_route(
    "/auth/{rest:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"], include_in_schema=False
)
async def no_users(rest: str) -> Response:  # noqa: ARG001 - any route below /auth
    """404, with the setting that would change it."""
    return render(Refusal(404, "auth_disabled", MESSAGE))
