"""The internal API's refusals: `{"error": {"code", "message"}}`."""

import orjson
from fastapi import Response

from tailrace_api.core.errors import Forbidden, Unavailable
from tailrace_api.http.failures import Refusal


def render(refusal: Refusal) -> Response:
    """A refusal as a response; where in the request it was is part of the message."""
    body = {"error": {"code": refusal.code, "message": refusal.message}}
    return Response(
        orjson.dumps(body), refusal.status, headers=refusal.headers, media_type="application/json"
    )


def not_claimant() -> Forbidden:
    """The token's pod does not execute this Run; whether there is such a Run is not told."""
    return Forbidden("not_claimant", "this pod has not claimed this Run")


def unreviewed() -> Unavailable:
    """Nobody can say now whose token it is."""
    return Unavailable("unavailable", "the Kubernetes API does not answer, and this token is not known yet")
