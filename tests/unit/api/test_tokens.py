"""Reviews of tokens: remembered, and believed longer while nobody can be asked."""

import asyncio
import base64
import json
from typing import Any

import pytest

from tailrace_api.internal.tokens import Bearer, TokenReviewer, Unreviewed
from tailrace_kube.errors import Unavailable


def jwt(expires: float, name: str = "a") -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"exp": expires, "name": name}).encode()).decode()
    return f"head.{payload.rstrip('=')}.signature"


class Server:
    """Answers reviews as an API server would, and counts them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False
        self.status: dict[str, Any] = {
            "authenticated": True,
            "audiences": ["tailrace-internal"],
            "user": {"username": "u", "extra": {"authentication.kubernetes.io/pod-uid": ["p"]}},
        }

    async def create(self, _resource: Any, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(body["spec"]["token"])
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("connection refused")
        assert body["spec"]["audiences"] == ["tailrace-internal"]
        return {"status": self.status}


class Times:
    monotonic = 0.0
    unix = 1000.0


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def reviewer(server: Server, times: Times) -> TokenReviewer:
    return TokenReviewer(
        server,  # type: ignore[arg-type] # all that it asks is `create`
        60,
        monotonic=lambda: times.monotonic,
        unix=lambda: times.unix,
    )


async def test_a_review_is_believed_for_a_minute(
    reviewer: TokenReviewer, server: Server, times: Times
) -> None:
    for moment in (0, 59):
        times.monotonic = moment
        assert await reviewer.review(jwt(5000)) == Bearer("u", "p")
    assert len(server.asked) == 1
    times.monotonic = 60
    await reviewer.review(jwt(5000))
    assert len(server.asked) == 2


async def test_while_the_server_is_away_a_known_token_is_believed_until_it_ends(
    reviewer: TokenReviewer, server: Server, times: Times
) -> None:
    await reviewer.review(jwt(5000))
    server.away = True
    times.monotonic, times.unix = 3000, 4999
    assert await reviewer.review(jwt(5000)) == Bearer("u", "p")
    times.unix = 5000
    with pytest.raises(Unreviewed):
        await reviewer.review(jwt(5000))
    with pytest.raises(Unreviewed):
        await reviewer.review(jwt(9000, "unknown"))


@pytest.mark.parametrize(
    "change",
    [{"authenticated": False}, {"audiences": ["other"]}, {"audiences": None}],
    ids=["not authenticated", "another audience", "no audience"],
)
async def test_a_refusal_is_remembered_shortly(
    reviewer: TokenReviewer, server: Server, times: Times, change: dict[str, Any]
) -> None:
    right = dict(server.status)
    server.status |= change
    assert await reviewer.review(jwt(5000)) is None
    assert await reviewer.review(jwt(5000)) is None
    assert len(server.asked) == 1
    server.status = right
    times.monotonic = 6
    assert await reviewer.review(jwt(5000)) is not None


async def test_a_refused_token_is_not_believed_while_the_server_is_away(
    reviewer: TokenReviewer, server: Server, times: Times
) -> None:
    server.status["authenticated"] = False
    await reviewer.review(jwt(5000))
    server.away = True
    times.monotonic = 6
    with pytest.raises(Unreviewed):
        await reviewer.review(jwt(5000))


async def test_many_requests_ask_once(reviewer: TokenReviewer, server: Server) -> None:
    found = await asyncio.gather(*(reviewer.review(jwt(5000)) for _ in range(20)))
    assert set(found) == {Bearer("u", "p")}
    assert len(server.asked) == 1


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.!!.c", "a.bnVsbA.c"])
async def test_a_token_that_cannot_be_read_is_asked_for_every_time(
    reviewer: TokenReviewer, server: Server, token: str
) -> None:
    await reviewer.review(token)
    await reviewer.review(token)
    assert len(server.asked) == 2
