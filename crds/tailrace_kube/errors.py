"""What the API server can answer with, or fail to answer with.

KubeError
├── BadRequest        400
├── Unauthorized      401
├── Forbidden         403
├── NotFound          404
├── Conflict          409, the object has changed since it was read
├── AlreadyExists     409, an object of this name is there
├── Gone              410, a watch or a page is too old: list again
├── TooLarge          413
├── Invalid           422
├── TooManyRequests   429
└── Unavailable       5xx, connection refused or lost, timeout
"""

# ruff: noqa: N818 - they are named as the API server names its reasons

from typing import Any

import orjson


class KubeError(Exception):
    """A request that did not succeed; `status` is the HTTP status, 0 where there was no answer."""

    def __init__(
        self, message: str, *, status: int = 0, reason: str = "", details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason
        self.details = details or {}

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait before the next try."""
        value = self.details.get("retryAfterSeconds")
        return float(value) if isinstance(value, int | float) else None


class BadRequest(KubeError):
    """The server could not read the request."""


class Unauthorized(KubeError):
    """The credentials are missing, wrong or out of date."""


class Forbidden(KubeError):
    """Access control or an admission policy says no."""


class NotFound(KubeError):
    """No such object."""


class Conflict(KubeError):
    """The object has changed since it was read."""


class AlreadyExists(KubeError):
    """An object of this name is there already."""


class Gone(KubeError):
    """The resource version of a watch or page is no longer kept."""


class TooLarge(KubeError):
    """The request's body is over the server's limit."""


class Invalid(KubeError):
    """The object breaks its schema or a rule; `details["causes"]` names the fields."""


class TooManyRequests(KubeError):
    """The server sheds load."""


class Unavailable(KubeError):
    """No usable answer: the connection failed, timed out, or the server is in trouble."""


_BY_STATUS: dict[int, type[KubeError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: TooLarge,
    422: Invalid,
    429: TooManyRequests,
}

SERVER_ERRORS = 500


def from_status(status: dict[str, Any], code: int | None = None) -> KubeError:
    """The error that a `Status` object describes; `code` where it came as an HTTP response."""
    code = code or int(status.get("code") or 0)
    reason = str(status.get("reason") or "")
    kind = Unavailable if code >= SERVER_ERRORS else _BY_STATUS.get(code, KubeError)
    if reason == "AlreadyExists":
        kind = AlreadyExists
    message = str(status.get("message") or reason or f"HTTP {code}")
    return kind(message, status=code, reason=reason, details=status.get("details") or {})


def from_response(code: int, body: bytes) -> KubeError:
    """The error of a response with this HTTP status; the body need not be JSON."""
    try:
        status = orjson.loads(body)
    except orjson.JSONDecodeError:
        status = None
    if not isinstance(status, dict):
        status = {"message": body[:500].decode(errors="replace").strip()}
    return from_status(status, code)
