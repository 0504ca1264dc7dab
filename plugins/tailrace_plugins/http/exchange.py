"""One request and the redirects that follow it, over connections that are guarded.

Credentials go to the host they were meant for: a redirect to another one carries neither the request's own
headers nor a body with a credential in it.
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urljoin

import httpx2

from tailrace_plugins.base import Network, TaskError
from tailrace_plugins.network import addresses

MAX_REDIRECTS = 5
_HARMLESS_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})


@dataclass(frozen=True)
class Request:
    """What is sent; `content_is_secret` says that a credential is in the body."""

    method: str
    url: httpx2.URL
    headers: Mapping[str, str]
    content: bytes | None
    content_is_secret: bool


@dataclass(frozen=True)
class Reply:
    """What came back at the end of all redirects."""

    status: int
    headers: httpx2.Headers
    content: bytes


@dataclass(frozen=True)
class Limits:
    """How long each step may take, how large the answer may be, and what is trusted."""

    seconds: float
    max_bytes: int
    verify_tls: bool
    follow_redirects: bool
    network: Network


async def send(request: Request, limits: Limits) -> Reply:
    """Send it, follow redirects, read the answer. httpx2's errors are its own; a refusal is a TaskError."""
    transport = GuardedTransport(limits.network, verify=limits.verify_tls)
    async with httpx2.AsyncClient(transport=transport, timeout=limits.seconds, trust_env=False) as client:
        for _ in range(MAX_REDIRECTS + 1):
            sent = client.build_request(
                request.method, request.url, headers=dict(request.headers), content=request.content
            )
            response = await client.send(sent, stream=True)
            try:
                location = response.headers.get("location")
                if not (limits.follow_redirects and response.has_redirect_location and location):
                    content = await _read(response, limits.max_bytes)
                    return Reply(response.status_code, response.headers, content)
            finally:
                await response.aclose()
            request = redirected(request, response.status_code, location)
    raise TaskError(f"more than {MAX_REDIRECTS} redirects", "TooManyRedirects", retryable=False)


def redirected(request: Request, status: int, location: str) -> Request:
    """The request that follows a redirect, as browsers make it, and without what another host may not see."""
    try:
        url = httpx2.URL(urljoin(str(request.url), location))
    except httpx2.InvalidURL:
        raise TaskError("redirected to what is no URL", "BadRedirect", retryable=False) from None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise TaskError("redirected to what is no plain http or https URL", "BadRedirect", retryable=False)
    becomes_get = status == 303 or (status in {301, 302} and request.method == "POST")  # noqa: PLR2004
    following = replace(request, url=url)
    if becomes_get and request.method != "HEAD":
        kept = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
        following = replace(following, method="GET", content=None, headers=kept)
    if _origin(url) == _origin(request.url):
        return following
    if following.content is not None and following.content_is_secret:
        message = f"redirected to {url.host} with a credential in the body: it is not sent there"
        raise TaskError(message, "CredentialRefused", retryable=False)
    harmless = {name: value for name, value in following.headers.items() if name.lower() in _HARMLESS_HEADERS}
    return replace(following, headers=harmless)


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, port_of(url)


def port_of(url: httpx2.URL) -> int:
    """The port that a URL means."""
    return url.port or (443 if url.scheme == "https" else 80)


async def _read(response: httpx2.Response, max_bytes: int) -> bytes:
    """The body, unpacked; stops at the limit, whatever its length was said to be."""
    content = bytearray()
    async for chunk in response.aiter_bytes(65536):
        content += chunk
        if len(content) > max_bytes:
            message = f"the response has more than {max_bytes} bytes; raise maxResponseBytes to take it"
            raise TaskError(message, "ResponseTooLarge", retryable=False)
    return bytes(content)


@lru_cache(maxsize=4)
def _trusted(verify: bool, authorities: str | None) -> ssl.SSLContext:
    """Which certificates are believed; reading all authorities takes longer than most requests."""
    context = httpx2.create_ssl_context(verify=verify)
    if verify and authorities:
        context.load_verify_locations(cafile=authorities)
    return context


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Resolves names itself and connects to what it has checked, so that a name cannot change between."""

    def __init__(self, network: Network, *, verify: bool) -> None:
        self._network = network
        self._inner = httpx2.AsyncHTTPTransport(verify=_trusted(verify, os.environ.get("SSL_CERT_FILE")))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send to the first of the host's addresses that answers; certificates are checked for its name."""
        host = request.url.host
        extensions = {**request.extensions, "sni_hostname": host}
        failure: httpx2.ConnectError | None = None
        for address in await addresses(host, port_of(request.url), self._network):
            addressed = httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions=extensions,
            )
            try:
                return await self._inner.handle_async_request(addressed)
            except httpx2.ConnectError as error:
                failure = error
        raise failure or httpx2.ConnectError("no address", request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()
