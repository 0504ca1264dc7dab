"""Every way in which a request can fail, as one kind of thing for a dialect to put into its envelope."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tailrace_api.core import errors
from tailrace_api.store.database import Unavailable as DatabaseUnavailable
from tailrace_crds.language.problems import Problem, joined
from tailrace_kube.errors import KubeError

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Refusal:
    """An HTTP status, a code for programs, a message for people, where in the request, and headers."""

    status: int
    code: str
    message: str
    details: Sequence[Problem] = ()
    headers: dict[str, str] = field(default_factory=dict)


Render = Callable[[Refusal], Response]

STATUSES: dict[type[errors.Failure], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Unreadable: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Forbidden: 403,
    errors.TooLarge: 413,
    errors.Unavailable: 503,
}
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    421: "misdirected_request",
    426: "upgrade_required",
    503: "unavailable",
}
INTERNAL = Refusal(
    500, "internal_error", "something went wrong on our side; the request id finds it in our log"
)


def install(app: FastAPI, render: Render) -> None:
    """Let this application answer every failure by `render`."""

    async def known(_request: Request, error: Exception) -> Response:
        return render(refusal(error))

    async def unknown(request: Request, error: Exception) -> Response:
        log.error("request failed", path=request.url.path, method=request.method, exc_info=error)
        return render(INTERNAL)

    for kind in (errors.Failure, KubeError, DatabaseUnavailable, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(Exception, unknown)


def refusal(error: Exception) -> Refusal:
    """What a failure means to the caller."""
    match error:
        case errors.Failure():
            headers = {"Retry-After": str(error.retry_after)} if isinstance(error, errors.Unavailable) else {}
            return Refusal(_status(error), error.code, error.message, error.details, headers)
        case KubeError():
            return refusal(errors.from_kube(error))
        case DatabaseUnavailable():
            log.warning("database unavailable", error=str(error))
            return refusal(errors.Unavailable("unavailable", "the database does not answer; try again"))
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            message = str(error.detail)
            if error.status_code == 404:  # noqa: PLR2004 - the framework's own
                message = "there is no such route"
            code = CODES.get(error.status_code, "bad_request")
            return Refusal(error.status_code, code, message, headers=dict(error.headers or {}))
    return INTERNAL


def _status(failure: errors.Failure) -> int:
    return next(STATUSES[kind] for kind in type(failure).__mro__ if kind in STATUSES)


def _invalid(error: RequestValidationError) -> Refusal:
    details = [_problem(item) for item in error.errors()]
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return Refusal(400, "invalid_json", details[0].message, details)
    unique = list(dict.fromkeys(details))
    return Refusal(400, "invalid_request", str(unique[0]), unique)


def _problem(item: dict[str, Any]) -> Problem:
    """One of pydantic's errors; the value itself is never repeated, it may be a secret."""
    if item["type"] == "json_invalid":
        return Problem("", f"the body is not JSON: {item.get('ctx', {}).get('error', '')}")
    where = [part for part in item["loc"][1:] if isinstance(part, str | int)]
    message = str(item["msg"])
    message = "is missing" if item["type"] == "missing" else message.replace("Input should", "should")
    if item["type"] == "extra_forbidden":
        message = "is not a field of this request"
    return Problem(joined("", *where), message[:1].lower() + message[1:])
