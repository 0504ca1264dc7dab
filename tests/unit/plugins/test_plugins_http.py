"""http.request against real servers on this machine's loopback, which the context allows here."""

import asyncio
import base64
import gzip
import json
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tailrace_plugins import catalogue
from tailrace_plugins.base import Network, TaskError

PLUGIN = catalogue.get("http.request")


class Server:
    """A server that keeps what it was asked and answers with what it was told."""

    def __init__(self):
        self.requests = []
        self.answers = {}
        self.port = 0

    def url(self, path="/", scheme="http"):
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    async def answer(self, request):
        body = await request.read()
        self.requests.append(
            {"method": request.method, "path": request.raw_path, "headers": request.headers, "body": body}
        )
        answer = self.answers.get(request.path, lambda _: web.json_response({"ok": True}))
        return await answer(request) if asyncio.iscoroutinefunction(answer) else answer(request)

    @property
    def last(self):
        return self.requests[-1]


async def serve(server, tls=None):
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.port = site._server.sockets[0].getsockname()[1]
    return runner


@pytest.fixture
async def server():
    server = Server()
    runner = await serve(server)
    yield server
    await runner.cleanup()


@pytest.fixture
async def other():
    other = Server()
    runner = await serve(other)
    yield other
    await runner.cleanup()


async def run(context, **properties):
    """As the runner does it: render, then execute."""
    return await PLUGIN().execute(PLUGIN.render(properties, {}), context)


async def refused(context, **properties):
    with pytest.raises(TaskError) as error:
        await run(context, **properties)
    return error.value


async def test_the_example_works(server, context):
    context.credentials = {"SHOP_TOKEN": ("s3cret", [server.host])}
    outputs = await run(context, **{**PLUGIN.example, "url": server.url("/orders")})
    assert outputs["status_code"] == 200
    assert outputs["body"] == {"ok": True}
    assert outputs["encoding"] is None
    assert outputs["headers"]["content-type"].startswith("application/json")
    assert server.last["method"] == "POST"
    assert server.last["headers"]["Authorization"] == "Bearer s3cret"
    assert server.last["headers"]["Idempotency-Key"] == "run-1/task-1"
    assert json.loads(server.last["body"]) == {"sku": "tea", "quantity": 2}


@pytest.mark.parametrize(
    ("properties", "body", "content_type"),
    [
        pytest.param({"json": {"a": "ü"}}, '{"a": "ü"}'.encode(), "application/json", id="JSON"),
        pytest.param({"json": None}, b"null", "application/json", id="a JSON null"),
        pytest.param({"body": "plain"}, b"plain", "text/plain; charset=utf-8", id="text"),
        pytest.param(
            {"body": "<a/>", "headers": {"Content-Type": "text/xml"}},
            b"<a/>",
            "text/xml",
            id="a type of one's own",
        ),
        pytest.param(
            {"form": {"a": "b c", "n": 2, "flag": True, "no": None}},
            b"a=b+c&n=2&flag=true",
            "application/x-www-form-urlencoded",
            id="a form",
        ),
    ],
)
async def test_a_body_is_sent(properties, body, content_type, server, context):
    await run(context, url=server.url(), method="PUT", **properties)
    assert server.last["body"] == body
    assert server.last["headers"]["Content-Type"] == content_type


async def test_a_query_is_added_to_the_one_of_the_url(server, context):
    await run(context, url=server.url("/p?a=1%202#f"), query={"b": "x&y", "l": [1, True], "n": None})
    assert server.last["path"] == "/p?a=1%202&b=x%26y&l=1&l=true"


async def test_a_get_has_no_idempotency_key_and_one_of_the_flow_is_kept(server, context):
    await run(context, url=server.url())
    assert "Idempotency-Key" not in server.last["headers"]
    await run(context, url=server.url(), method="POST", headers={"idempotency-key": "mine"})
    assert server.last["headers"].getall("Idempotency-Key") == ["mine"]
    await run(context, url=server.url(), method="POST", idempotencyKey=False)
    assert "Idempotency-Key" not in server.last["headers"]


@pytest.mark.parametrize(
    ("content", "content_type", "body", "encoding"),
    [
        pytest.param(b'{"a": 1}', "application/json", {"a": 1}, None, id="JSON"),
        pytest.param(b"[1]", "application/vnd.api+json; charset=utf-8", [1], None, id="a type that is JSON"),
        pytest.param(b"{broken", "application/json", "{broken", None, id="JSON that is none"),
        pytest.param(b'{"a": 1}', "text/plain", '{"a": 1}', None, id="text"),
        pytest.param("ü".encode("latin-1"), "text/html; charset=latin-1", "ü", None, id="another charset"),
        pytest.param(b"<a/>", "application/xml", "<a/>", None, id="XML"),
        pytest.param(b"\xff\x00", "image/png", "/wA=", "base64", id="bytes"),
        pytest.param(b"\xff\x00", "text/plain", "/wA=", "base64", id="bytes that are called text"),
        pytest.param(b"", "application/json", None, None, id="nothing"),
        pytest.param(b"[" * 100_000, "application/json", "[" * 100_000, None, id="JSON without end"),
    ],
)
async def test_a_body_comes_back(content, content_type, body, encoding, server, context):
    server.answers["/"] = lambda _: web.Response(body=content, headers={"Content-Type": content_type})
    outputs = await run(context, url=server.url())
    assert (outputs["body"], outputs["encoding"]) == (body, encoding)


@pytest.mark.parametrize(
    ("status", "codes", "retryable"),
    [
        pytest.param(200, None, None, id="2xx is expected"),
        pytest.param(204, [204], None, id="a code that is listed"),
        pytest.param(404, ["2xx", 404], None, id="beside a class"),
        pytest.param(404, None, False, id="not found"),
        pytest.param(429, None, True, id="too many"),
        pytest.param(503, None, True, id="unavailable"),
        pytest.param(200, [201], False, id="a success that is not the expected one"),
    ],
)
async def test_a_status_is_judged(status, codes, retryable, server, context):
    server.answers["/"] = lambda _: web.Response(
        status=status, text="" if status == 204 else "because of this"
    )
    properties = {"url": server.url("/?token=x"), **({"successCodes": codes} if codes else {})}
    if retryable is None:
        assert (await run(context, **properties))["status_code"] == status
        return
    error = await refused(context, **properties)
    assert (error.reason, error.retryable) == ("HttpStatus", retryable)
    assert error.message == f"GET {server.url('/')}: status {status}: because of this"


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        pytest.param("7", 7, 7, id="seconds"),
        pytest.param(
            format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 3000, 3600, id="a date"
        ),
        pytest.param(
            format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0, 0, id="a past date"
        ),
        pytest.param("soon", None, None, id="neither"),
    ],
)
async def test_retry_after_is_read(header, low, high, server, context):
    server.answers["/"] = lambda _: web.Response(status=503, headers={"Retry-After": header})
    error = await refused(context, url=server.url())
    assert error.retry_after is None if low is None else low <= error.retry_after <= high


async def test_a_server_that_does_not_answer_is_worth_a_retry(server, context):
    async def slow(_):
        await asyncio.sleep(2)

    server.answers["/slow"] = slow
    error = await refused(context, url=server.url("/slow"), timeout="100ms")
    assert (error.reason, error.retryable) == ("Timeout", True)
    port = server.port
    refused_port = await refused(context, url=f"http://127.0.0.1:{free_port()}/")
    assert (refused_port.reason, refused_port.retryable) == ("ConnectionFailed", True)
    assert server.port == port
    unknown = await refused(context, url="http://no-such-host.invalid/")
    assert (unknown.reason, unknown.retryable) == ("ConnectionFailed", True)
    assert "no-such-host.invalid cannot be resolved" in unknown.message


def free_port():
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


async def test_a_response_has_a_limit_also_when_it_is_packed(server, context):
    server.answers["/"] = lambda _: web.Response(
        body=gzip.compress(b"x" * 5_000_000),
        headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"},
    )
    error = await refused(context, url=server.url(), maxResponseBytes=100_000)
    assert (error.reason, error.retryable) == ("ResponseTooLarge", False)
    assert len((await run(context, url=server.url()))["body"]) == 5_000_000


@pytest.mark.parametrize(
    ("status", "method", "followed", "with_body"),
    [
        (301, "GET", "GET", True),
        (302, "POST", "GET", False),
        (303, "PUT", "GET", False),
        (307, "POST", "POST", True),
        (308, "PUT", "PUT", True),
    ],
)
async def test_a_redirect_is_followed_as_browsers_do(status, method, followed, with_body, server, context):
    server.answers["/a"] = lambda _: web.Response(status=status, headers={"Location": "/b?x=1"})
    await run(context, url=server.url("/a"), method=method, headers={"X-Mine": "1"}, body="sent")
    assert (server.last["method"], server.last["path"]) == (followed, "/b?x=1")
    assert server.last["headers"]["X-Mine"] == "1"
    assert server.last["body"] == (b"sent" if with_body else b"")


async def test_a_redirect_can_be_an_answer(server, context):
    server.answers["/a"] = lambda _: web.Response(status=302, headers={"Location": "/b"})
    outputs = await run(context, url=server.url("/a"), followRedirects=False, successCodes=[302])
    assert outputs["headers"]["location"] == "/b"


async def test_redirects_end(server, context):
    server.answers["/a"] = lambda _: web.Response(status=302, headers={"Location": "/a"})
    error = await refused(context, url=server.url("/a"))
    assert (error.reason, len(server.requests)) == ("TooManyRedirects", 6)


async def test_another_host_gets_none_of_the_requests_headers(server, other, context):
    context.credentials = {"T": ("s3cret", [server.host])}
    server.answers["/a"] = lambda _: web.Response(status=307, headers={"Location": other.url("/b")})
    await run(
        context,
        url=server.url("/a"),
        method="POST",
        headers={"Authorization": "Bearer ${T}", "X-Api-Key": "mine", "Accept": "text/plain"},
        body="no secret",
    )
    assert server.last["headers"]["Authorization"] == "Bearer s3cret"
    assert {"Authorization", "X-Api-Key", "Idempotency-Key"} & other.last["headers"].keys() == set()
    assert other.last["headers"]["Accept"] == "text/plain"
    assert other.last["body"] == b"no secret"


async def test_a_body_with_a_credential_is_not_sent_to_another_host(server, other, context):
    context.credentials = {"T": ("s3cret", [server.host])}
    server.answers["/a"] = lambda _: web.Response(status=307, headers={"Location": other.url("/b")})
    error = await refused(context, url=server.url("/a"), method="POST", json={"deep": ["${T}"]})
    assert (error.reason, error.retryable) == ("CredentialRefused", False)
    assert other.requests == []


@pytest.mark.parametrize("location", ["ftp://x/", "file:///etc/passwd", "http://user:pw@127.0.0.1/"])
async def test_a_redirect_to_what_is_no_plain_url_is_refused(location, server, context):
    server.answers["/a"] = lambda _: web.Response(status=302, headers={"Location": location})
    assert (await refused(context, url=server.url("/a"))).reason == "BadRedirect"


async def test_credentials_are_filled_in_everywhere_and_shown_nowhere(server, context):
    context.credentials = {"T": ("s3cret/x y", [server.host])}
    server.answers["/h/s3cret/x y"] = lambda _: web.Response(status=500, text="you sent s3cret/x y")
    error = await refused(
        context,
        url=server.url("/h/${T}"),
        method="POST",
        query={"q": "${T}"},
        headers={"A": "${T}"},
        form={"f": "${T}"},
    )
    assert server.last["path"] == "/h/s3cret/x%20y?q=s3cret%2Fx+y"
    assert server.last["headers"]["A"] == "s3cret/x y"
    assert server.last["body"] == b"f=s3cret%2Fx+y"
    assert error.message == f"POST {server.url('/h/${T}')}: status 500: you sent ***"


@pytest.mark.parametrize(
    ("hosts", "url", "message"),
    [
        pytest.param(
            ["api.example.com"], "http://127.0.0.1:{port}/${{T}}", "may not be sent to", id="another host"
        ),
        pytest.param(
            ["127.0.0.1:1"], "http://127.0.0.1:{port}/${{T}}", "may not be sent to", id="another port"
        ),
        pytest.param(["*"], "http://${{T}}/", "cannot stand in the host", id="in the place of the host"),
        pytest.param(["*"], "http://x${{T}}:80/", "cannot stand in the host", id="as a part of the host"),
        pytest.param(["*"], "${{T}}", "should begin with http", id="in the place of the URL"),
        pytest.param(
            ["*"], "http://u:${{T}}@127.0.0.1:{port}/", "cannot stand in the host", id="as a password"
        ),
    ],
)
async def test_a_credential_goes_to_its_hosts_alone(hosts, url, message, server, context):
    context.credentials = {"T": ("s3cret", hosts)}
    error = await refused(context, url=url.format(port=server.port))
    assert message in error.message
    assert not error.retryable
    assert server.requests == []


async def test_an_unbound_credential_goes_to_no_private_address(context):
    context.credentials = {"T": ("s3cret", [])}
    context.network = Network(allow_private=True)
    error = await refused(context, url="http://10.255.255.1/", headers={"A": "${T}"}, timeout="100ms")
    assert error.reason == "AddressRefused"
    assert (await refused(context, url="http://10.255.255.1/", timeout="50ms")).reason != "AddressRefused"


async def test_data_that_looks_like_a_credential_is_data(server, context):
    context.credentials = {"T": ("s3cret", [server.host])}
    rendered = PLUGIN.render(
        {"url": server.url(), "method": "POST", "body": "{{ inputs.x }}"}, {"inputs": {"x": "${T}"}}
    )
    await PLUGIN().execute(rendered, context)
    assert server.last["body"] == b"${T}"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"A": "x\r\nB: y"}, id="a header within a value"),
        pytest.param({"A: x\r\nB": "y"}, id="a header within a name"),
        pytest.param({"": "y"}, id="no name"),
    ],
)
async def test_headers_cannot_be_smuggled(headers, server, context):
    error = await refused(context, url=server.url(), headers=headers)
    assert (error.reason, error.retryable) == ("InvalidProperties", False)
    assert server.requests == []


async def test_a_credential_with_a_line_break_is_refused_without_showing_it(server, context):
    context.credentials = {"T": ("s3cret\n", [server.host])}
    error = await refused(context, url=server.url(), headers={"Authorization": "Bearer ${T}"})
    assert "headers.Authorization: holds a line break" in error.message
    assert "s3cret" not in error.message


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://h/", "http://", "http:///p", "http://h:99999/", "http://[::1/", "/path"],
)
async def test_what_is_no_url_is_refused(url, context):
    error = await refused(context, url=url)
    assert (error.reason, error.retryable) == ("InvalidProperties", False)


@pytest.fixture
async def tls_server(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(encoding, private, serialization.NoEncryption())
        + certificate.public_bytes(encoding)
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    server = Server()
    runner = await serve(server, tls)
    yield server, path
    await runner.cleanup()


async def test_a_certificate_is_checked_unless_it_is_said_otherwise(tls_server, context):
    server, _ = tls_server
    url = f"https://localhost:{server.port}/"
    error = await refused(context, url=url)
    assert error.reason == "ConnectionFailed"
    assert "CERTIFICATE_VERIFY_FAILED" in error.message
    assert (await run(context, url=url, verifyTls=False))["body"] == {"ok": True}
    assert server.last["headers"]["Host"] == f"localhost:{server.port}"


async def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(
    tls_server, context, monkeypatch
):
    server, path = tls_server
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert (await run(context, url=f"https://localhost:{server.port}/"))["status_code"] == 200
    error = await refused(context, url=f"https://127.0.0.1:{server.port}/")
    assert "CERTIFICATE_VERIFY_FAILED" in error.message


async def test_bytes_can_be_read_back(server, context):
    server.answers["/"] = lambda _: web.Response(body=bytes(range(256)))
    outputs = await run(context, url=server.url())
    assert base64.b64decode(outputs["body"]) == bytes(range(256))
