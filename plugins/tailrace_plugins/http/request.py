"""http.request: one HTTP request."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tailrace_crds.language import durations
from tailrace_crds.meta import Duration
from tailrace_plugins.base import Model, Network, Plugin, TaskContext, TaskError, Text
from tailrace_plugins.http import outgoing, responses
from tailrace_plugins.network import public_only

if TYPE_CHECKING:
    from tailrace_plugins.http.exchange import Reply

MAX_BYTES = 10 * 1024 * 1024

Value = Text | bool | int | float | None
StatusClass = Annotated[str, Field(pattern=r"^[1-5]xx$")]


class Inputs(Model):
    """The request, and what of its answer is a success."""

    method: Annotated[
        Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"],
        Field(description="The HTTP method."),
    ] = "GET"
    url: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=8192,
            description="An http or https URL. A credential may stand behind the host, not in it.",
        ),
    ]
    headers: Annotated[dict[str, Text], Field(description="Request headers.")] = {}
    query: Annotated[
        dict[str, Value | list[Value]],
        Field(description="Added to the URL's query; a list repeats the name, null leaves it out."),
    ] = {}
    json_: Annotated[Any, Field(alias="json", description="A body, sent as application/json.")] = None
    body: Annotated[Text | None, Field(description="A body, sent as it is.")] = None
    form: Annotated[
        dict[str, Value] | None, Field(description="A body, sent as application/x-www-form-urlencoded.")
    ] = None
    timeout: Annotated[
        Duration, Field(description="For connecting and for each read; the task's own timeout is for it all.")
    ] = "30s"
    follow_redirects: Annotated[
        bool, Field(description="Follow up to 5; another host gets none of the request's headers.")
    ] = True
    success_codes: Annotated[
        list[int | StatusClass], Field(description="Expected statuses, such as 200 or 2xx.")
    ] = ["2xx"]
    max_response_bytes: Annotated[
        int, Field(ge=1, le=100 * 1024 * 1024, description="A larger answer fails the task.")
    ] = MAX_BYTES
    verify_tls: Annotated[bool, Field(description="Check the server's certificate.")] = True
    idempotency_key: Annotated[
        bool, Field(description="Send Idempotency-Key: <run>/<task>, but with GET, HEAD and OPTIONS.")
    ] = True

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        given = [name for name in ("json", "body", "form") if self.body_kind(name)]
        if len(given) > 1:
            raise ValueError(f"give one of {' and '.join(given)}, not both")
        return self

    def body_kind(self, name: str) -> bool:
        """Whether the body is given as `json`, `body` or `form`; a json of null is one."""
        return "json_" in self.model_fields_set if name == "json" else getattr(self, name) is not None


class Outputs(Model):
    """The answer."""

    status_code: Annotated[int, Field(alias="status_code", description="The HTTP status.")]
    headers: Annotated[dict[str, str], Field(description="Response headers, names in lower case.")]
    body: Annotated[
        Any, Field(description="Parsed where it is JSON, else text; bytes that are no text in base64.")
    ]
    encoding: Annotated[
        Literal["base64"] | None, Field(description="base64 where the body is that, else null.")
    ] = None


class HttpRequest(Plugin[Inputs, Outputs]):
    """Send a request."""

    id = "http.request"
    name = "HTTP request"
    category = "http"
    description = "Sends an HTTP request; statuses other than the expected ones fail the task."
    credential_properties = ("url", "headers", "query", "json", "body", "form")
    example: ClassVar[dict[str, Any]] = {
        "method": "POST",
        "url": "https://api.example.com/orders",
        "headers": {"authorization": "Bearer ${SHOP_TOKEN}"},
        "json": {"sku": "tea", "quantity": 2},
    }

    async def run(self, inputs: Inputs, context: TaskContext) -> Outputs:
        """Send it, and judge the answer."""
        import httpx2

        from tailrace_plugins.http import exchange

        what = f"{inputs.method} {outgoing.shown(inputs.url)}"
        limits = exchange.Limits(
            seconds=_seconds(inputs.timeout),
            max_bytes=inputs.max_response_bytes,
            verify_tls=inputs.verify_tls,
            follow_redirects=inputs.follow_redirects,
            network=await _network(inputs, context),
        )
        request = await outgoing.request(inputs, context)
        try:
            reply = await exchange.send(request, limits)
        except httpx2.TimeoutException:
            raise TaskError(f"{what}: no answer within {inputs.timeout}", "Timeout") from None
        except httpx2.HTTPError as error:
            message = context.redact(f"{what}: {str(error) or type(error).__name__}")
            raise TaskError(message, "ConnectionFailed") from None
        outputs = _outputs(reply)
        if not responses.is_success(reply.status, inputs.success_codes):
            raise _unexpected(what, outputs, context)
        return outputs


def _seconds(text: str) -> float:
    try:
        return durations.parse(text)
    except ValueError as error:
        raise TaskError(f"properties.timeout: {error}", "InvalidProperties", retryable=False) from None


async def _network(inputs: Inputs, context: TaskContext) -> Network:
    """Where this request may connect to: a credential that is bound to no host goes to public ones only."""
    for name in outgoing.credential_names(inputs):
        if (await context.credential(name)).unbound:
            return public_only(context.network)
    return context.network


def _outputs(reply: "Reply") -> Outputs:
    body, encoding = responses.body(reply.content, reply.headers.get("content-type"))
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Outputs(
        status_code=reply.status, headers=headers, body=body, encoding="base64" if encoding else None
    )


def _unexpected(what: str, outputs: Outputs, context: TaskContext) -> TaskError:
    status = outputs.status_code
    text = outputs.body if isinstance(outputs.body, str) else json.dumps(outputs.body, ensure_ascii=False)
    beginning = " ".join(text.split())[:200] if outputs.encoding is None and outputs.body is not None else ""
    message = f"{what}: status {status}" + (f": {beginning}" if beginning else "")
    return TaskError(
        context.redact(message),
        "HttpStatus",
        retryable=responses.is_worth_a_retry(status),
        retry_after=responses.retry_after(outputs.headers.get("retry-after"), time.time()),
    )
