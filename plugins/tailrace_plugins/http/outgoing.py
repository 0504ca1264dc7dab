"""From a task's properties to the request that is sent, its credentials filled in for its one host."""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from tailrace_crds.language.credentials import SecretText, references
from tailrace_plugins.base import TaskContext, TaskError

if TYPE_CHECKING:
    from tailrace_plugins.http.exchange import Request
    from tailrace_plugins.http.request import Inputs

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PORTS = {"http": 80, "https": 443}


async def request(inputs: "Inputs", context: TaskContext) -> "Request":
    """The request; TaskError where a credential may not be sent to its host, or a property cannot be sent."""
    import httpx2

    from tailrace_plugins.http.exchange import Request

    host = receiver(inputs.url)
    url = _with_query(await context.resolve(inputs.url, host), await context.resolve(inputs.query, host))
    content, content_type = _content(inputs, await context.resolve(_body(inputs), host))
    headers = await context.resolve(inputs.headers, host)
    _check_headers(headers)
    names = {name.lower() for name in headers}
    defaults = {"user-agent": "tailrace"}
    if content_type:
        defaults["content-type"] = content_type
    if inputs.idempotency_key and inputs.method in _CHANGING:
        defaults["idempotency-key"] = quote(context.idempotency_key, safe="/")
    headers = {**headers, **{name: value for name, value in defaults.items() if name not in names}}
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise _invalid("url", "is not a URL once its templates and credentials are filled in") from None
    return Request(
        method=inputs.method,
        url=parsed,
        headers=headers,
        content=content,
        content_is_secret=bool(_names_in(_body(inputs))),
    )


def receiver(url: str) -> str:
    """`host:port` of a URL in which credentials are not yet filled in; TaskError where it has none."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _invalid("url", f"{shown(url)} is not a URL") from None
    if "${" in parts.netloc and isinstance(url, SecretText):
        raise _invalid("url", "a credential cannot stand in the host: it says where it may be sent")
    if parts.scheme not in _PORTS or not host:
        raise _invalid("url", f"should begin with http:// or https:// and a host, {shown(url)} does not")
    return f"{host}:{port or _PORTS[parts.scheme]}"


def shown(url: str) -> str:
    """A URL for messages: without query, user and password; credentials as `${NAME}`."""
    plain = url.partition("?")[0].partition("#")[0]
    scheme, separator, rest = plain.partition("://")
    host, slash, path = rest.partition("/")
    return (scheme + separator + host.rpartition("@")[2] + slash + path)[:200]


def credential_names(inputs: "Inputs") -> list[str]:
    """The credentials that the request asks for."""
    return sorted(_names_in([inputs.url, inputs.query, inputs.headers, _body(inputs)]))


def _names_in(value: Any) -> set[str]:
    """Names in SecretTexts alone: other text that looks like a reference is none."""
    if isinstance(value, SecretText):
        return references(value)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*(_names_in(item) for item in items))


def _with_query(url: str, query: dict[str, Any]) -> str:
    added = urlencode(_pairs(query))
    if not added:
        return url.strip()
    before, mark, fragment = url.strip().partition("#")
    joint = "?" if "?" not in before else "" if before.endswith(("?", "&")) else "&"
    return f"{before}{joint}{added}{mark}{fragment}"


def _body(inputs: "Inputs") -> Any:
    if inputs.body_kind("json"):
        return inputs.json_
    return inputs.form if inputs.form is not None else inputs.body


def _content(inputs: "Inputs", body: Any) -> tuple[bytes | None, str | None]:
    """The resolved body as it goes over the wire, and its type."""
    if inputs.body_kind("json"):
        return json.dumps(body, ensure_ascii=False).encode(), "application/json"
    if inputs.form is not None:
        return urlencode(_pairs(body)).encode(), "application/x-www-form-urlencoded"
    return (None, None) if body is None else (body.encode(), "text/plain; charset=utf-8")


def _pairs(values: dict[str, Any]) -> list[tuple[str, str]]:
    items = ((name, value if isinstance(value, list) else [value]) for name, value in values.items())
    return [(name, _plain(item)) for name, values_ in items for item in values_ if item is not None]


def _plain(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item)


def _check_headers(headers: dict[str, str]) -> None:
    for name, value in headers.items():
        if not name or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise _invalid("headers", f"{name[:40]!r} is not a header's name")
        if any(char in value for char in "\r\n\0"):
            raise _invalid(f"headers.{name}", "holds a line break, which a header cannot")


def _invalid(name: str, message: str) -> TaskError:
    return TaskError(f"properties.{name}: {message}", "InvalidProperties", retryable=False)
