"""What the dialects share about HTTP."""

from json import JSONDecodeError
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from tailrace_api.core import errors
from tailrace_api.http import failures, limits, origins, parsing
from tailrace_api.store.database import Unavailable as DatabaseUnavailable
from tailrace_kube import errors as kube


def test_depth_is_bounded() -> None:
    right: Any = 1
    for _ in range(parsing.MAX_DEPTH - 1):
        right = {"a": [right]}["a"]
    assert parsing.is_shallow(right)
    assert not parsing.is_shallow([right] * 2, 10)
    with pytest.raises(HTTPException) as refused:
        parsing.parse(b"[" * 100 + b"]" * 100)
    assert refused.value.status_code == 400


@pytest.mark.parametrize("body", [b"{", b"\xff", b"NaN", b'"\\ud800"', b"[" * 3000])
def test_what_is_not_json_is_told(body: bytes) -> None:
    with pytest.raises(JSONDecodeError):
        parsing.parse(body)


async def receive_all(scope: dict[str, Any], chunks: list[bytes], limit: int) -> int:
    pending = iter(chunks)

    async def receive() -> Any:
        return {"type": "http.request", "body": next(pending), "more_body": True}

    limited = limits.limited(scope, receive, limit)
    seen = 0
    for _ in chunks:
        seen += len((await limited())["body"])
    return seen


async def test_bodies_up_to_the_limit_pass() -> None:
    assert await receive_all({"headers": [(b"content-length", b"10")]}, [b"x" * 5] * 2, 10) == 10


@pytest.mark.parametrize(
    "headers",
    [[(b"content-length", b"11")], [], [(b"content-length", b"5")], [(b"content-length", b"-1")]],
    ids=["announced", "not announced", "announced falsely", "announced oddly"],
)
async def test_bodies_over_the_limit_are_refused(headers: Any) -> None:
    with pytest.raises(HTTPException) as refused:
        await receive_all({"headers": headers}, [b"x" * 6] * 2, 10)
    assert refused.value.status_code == 413


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8080", "localhost"),
        ("[::1]:8080", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1", ""),
        ("", ""),
        ("user@evil.example", "evil.example"),
        ("localhost/../evil", "localhost"),
    ],
)
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    assert origins.hostname(header) == name


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.Invalid("invalid_flow", "m"), 400, "invalid_flow"),
        (errors.Unauthenticated("unauthorized", "m"), 401, "unauthorized"),
        (errors.Forbidden("forbidden", "m"), 403, "forbidden"),
        (errors.NotFound("flow_not_found", "m"), 404, "flow_not_found"),
        (errors.Conflict("conflict", "m"), 409, "conflict"),
        (errors.TooLarge("too_large", "m"), 413, "too_large"),
        (errors.Unreadable("credential_unreadable", "m"), 422, "credential_unreadable"),
        (errors.Unavailable("unavailable", "m"), 503, "unavailable"),
        (DatabaseUnavailable("m"), 503, "unavailable"),
        (kube.Unavailable("m", status=503), 503, "unavailable"),
        (kube.Unavailable("etcdserver: request is too large", status=500), 413, "too_large"),
        (kube.TooManyRequests("m", status=429), 503, "unavailable"),
        (kube.Unauthorized("m", status=401), 503, "unavailable"),
        (kube.Forbidden("m", status=403), 403, "forbidden"),
        (kube.Invalid("m", status=422), 400, "invalid_request"),
        (kube.Conflict("m", status=409), 409, "conflict"),
        (kube.NotFound("m", status=404), 404, "not_found"),
        (HTTPException(404), 404, "not_found"),
        (HTTPException(405), 405, "method_not_allowed"),
        (HTTPException(418), 418, "bad_request"),
        (KeyError("a secret"), 500, "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_failure_has_a_status_and_a_code(error: Exception, status: int, code: str) -> None:
    refusal = failures.refusal(error)
    assert (refusal.status, refusal.code) == (status, code)
    assert "secret" not in refusal.message
    assert ("Retry-After" in refusal.headers) == (status == 503)


def test_the_api_server_s_reasons_are_passed_on() -> None:
    causes = {"causes": [{"field": "spec.tasks[0].name", "message": "too long"}]}
    refusal = failures.refusal(kube.Invalid("m", status=422, details=causes))
    assert [problem.as_dict() for problem in refusal.details] == [
        {"path": "spec.tasks[0].name", "message": "too long"}
    ]
