"""Why a use case did not succeed, in terms that every dialect can put into its own envelope.

Failure
├── Unauthenticated  who calls is not known
├── Invalid        the request can never succeed as it stands; `details` say where
├── Unreadable     understood, but something it names cannot be used
├── NotFound
├── Conflict       not in this state, or there is one already
├── Forbidden
├── TooLarge
└── Unavailable    try again later
"""

# ruff: noqa: N818 - they are named as what happened

from collections.abc import Sequence

from tailrace_crds.language.problems import Problem
from tailrace_kube import errors as kube


class Failure(Exception):
    """What happened: a code for programs, a message for people, and where in the request."""

    def __init__(self, code: str, message: str, details: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)


class Unauthenticated(Failure):
    """Who calls is not known, and must be."""


class Invalid(Failure):
    """The request can never succeed as it stands."""


class Unreadable(Failure):
    """The request is right, but what it names cannot be used."""


class NotFound(Failure):
    """There is no such thing, or the caller may not know of it."""


class Conflict(Failure):
    """The thing is not in a state for this, or there is one already."""


class Forbidden(Failure):
    """The caller may not do this here."""


class TooLarge(Failure):
    """More than can be stored."""


class Unavailable(Failure):
    """Something that we depend on does not answer; `retry_after` in seconds."""

    retry_after = 2


def invalid_field(path: str, message: str) -> Invalid:
    """A request in which one field is wrong."""
    return Invalid("invalid_request", f"{path}: {message}", [Problem(path, message)])


def from_kube(error: kube.KubeError) -> Failure:
    """The API server's refusal, as one of ours; it never says more than the server's own message."""
    if isinstance(error, kube.TooLarge) or "request is too large" in error.message:
        return TooLarge("too_large", "the resource would be larger than Kubernetes stores (about 1.5 MB)")
    if isinstance(error, kube.Invalid | kube.BadRequest):
        causes = error.details.get("causes") or []
        details = [Problem(str(cause.get("field", "")), str(cause.get("message", ""))) for cause in causes]
        return Invalid("invalid_request", error.message, details)
    if isinstance(error, kube.Forbidden):
        return Forbidden("forbidden", f"Kubernetes refuses: {error.message}")
    if isinstance(error, kube.NotFound):
        return NotFound("not_found", error.message)
    if isinstance(error, kube.Conflict | kube.AlreadyExists):
        return Conflict("conflict", "it was changed at the same time: read it again and retry")
    return Unavailable("unavailable", "the Kubernetes API does not answer as it should; try again")
