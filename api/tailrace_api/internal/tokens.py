"""Who holds a token: asked of the API server, remembered for a while."""

import asyncio
import base64
import binascii
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from tailrace_crds.meta import INTERNAL_AUDIENCE
from tailrace_kube.client import Client
from tailrace_kube.errors import KubeError
from tailrace_kube.resources import TOKEN_REVIEWS

MAX_REMEMBERED = 10_000
REFUSED_SECONDS = 5.0
POD_UID = "authentication.kubernetes.io/pod-uid"


@dataclass(frozen=True)
class Bearer:
    """Whose token it is, and which pod it is bound to."""

    user: str
    pod_uid: str | None


class Unreviewed(Exception):  # noqa: N818 - says what became of the token
    """The API server could not be asked, and nothing is remembered of this token."""


@dataclass(frozen=True)
class _Review:
    bearer: Bearer | None
    believed_until: float
    expires: float
    """When the token itself ends, as Unix time: no memory reaches beyond it."""


class TokenReviewer:
    """Reviews tokens of the internal audience.

    A reviewed token is believed for a minute; while the API server does not answer, for as long as the token
    itself is valid, so that its absence stops no Run.
    """

    def __init__(
        self,
        client: Client,
        seconds: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        unix: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._seconds = seconds
        self._monotonic = monotonic
        self._unix = unix
        self._reviews: OrderedDict[bytes, _Review] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[_Review]] = {}

    async def review(self, token: str) -> Bearer | None:
        """The holder, or None where the token is not valid for us; Unreviewed."""
        key = hashlib.sha256(token.encode()).digest()
        known = self._reviews.get(key)
        if known is not None and known.expires > self._unix() and known.believed_until > self._monotonic():
            return known.bearer
        try:
            review = await self._ask_once(key, token)
        except KubeError as error:
            if known is not None and known.bearer is not None and known.expires > self._unix():
                return known.bearer
            raise Unreviewed(error.message) from error
        self._remember(key, review)
        return review.bearer

    async def _ask_once(self, key: bytes, token: str) -> _Review:
        """One question to the API server, however many requests with this token wait for the answer."""
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(token))
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def _ask(self, token: str) -> _Review:
        body = {
            "apiVersion": TOKEN_REVIEWS.api_version,
            "kind": TOKEN_REVIEWS.kind,
            "spec": {"token": token, "audiences": [INTERNAL_AUDIENCE]},
        }
        status = (await self._client.create(TOKEN_REVIEWS, body)).get("status") or {}
        bearer = _bearer(status)
        seconds = self._seconds if bearer is not None else REFUSED_SECONDS
        return _Review(bearer, self._monotonic() + seconds, _expiry(token))

    def _remember(self, key: bytes, review: _Review) -> None:
        self._reviews[key] = review
        self._reviews.move_to_end(key)
        while len(self._reviews) > MAX_REMEMBERED:
            self._reviews.popitem(last=False)


def _bearer(status: dict[str, Any]) -> Bearer | None:
    if not status.get("authenticated") or INTERNAL_AUDIENCE not in (status.get("audiences") or []):
        return None
    user = status.get("user") or {}
    pods = (user.get("extra") or {}).get(POD_UID) or [None]
    return Bearer(str(user.get("username") or ""), pods[0])


def _expiry(token: str) -> float:
    """When a token says that it ends; the API server has checked its signature, or nobody believes it."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return 0.0
