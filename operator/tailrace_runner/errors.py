"""What ends the runner without an ended Run, and what its servers answer.

RunnerError
├── RunEnded         the Run has its end already: there is nothing to do
├── ClaimLost        the Run is another's now, or gone: stop at once, write nothing
├── Fenced           the claim could not be renewed in time: another may execute already
└── ServerError      an answer that is not a success: status, code, message
"""


class RunnerError(Exception):
    """Base of the runner's own errors."""


class RunEnded(RunnerError):  # noqa: N818 - it tells what happened, not that something is wrong
    """The Run has ended, by whomever."""


class ClaimLost(RunnerError):  # noqa: N818 - the same
    """The Run no longer belongs to this pod."""


class Fenced(RunnerError):  # noqa: N818 - the same
    """No successful renewal for too long."""


class ServerError(RunnerError):
    """What the API server or the internal API refused."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
