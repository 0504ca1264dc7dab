"""The internal API's operator routes on a real HTTPS server that records what it gets."""

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "operator-token"


class InternalServer:
    """Answers as docs/design/protocol.md says; what tests look at are its attributes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.archived: dict[str, dict[str, Any]] = {}
        self.firings: list[dict[str, Any]] = []
        self.stale: list[dict[str, Any]] = []
        self.requests: dict[str, dict[str, Any]] = {}
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.unreadable: dict[tuple[str, str], str] = {}
        self.away = False
        self.port = 0
        self._arrived = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.crt"

    @property
    def token_file(self) -> Path:
        return self.directory / "token"

    async def start(self) -> None:
        certify(self.directory)
        self.token_file.write_text(TOKEN)
        application = web.Application(middlewares=[self._guard])
        prefix = "/internal/v1/operator"
        application.router.add_put(prefix + "/archive/{namespace}/{uid}", self._archive)
        application.router.add_post(prefix + "/ledger", self._ledger)
        application.router.add_get(prefix + "/ledger/{namespace}/{uid}", self._slots)
        application.router.add_get(prefix + "/claims/stale", self._stale)
        application.router.add_get(prefix + "/containers", self._containers)
        application.router.add_post(prefix + "/containers/{id}", self._finish)
        application.router.add_post(prefix + "/credentials/check", self._check)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.directory / "tls.crt", self.directory / "tls.key")
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.shutdown()
            await self._runner.cleanup()

    def request_container(self, request: dict[str, Any]) -> None:
        self.requests[str(request["id"])] = request
        self._arrived.set()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": {"code": "unauthorized", "message": "no"}}, status=401)
        if self.away:
            return web.json_response({"error": {"code": "unavailable", "message": "away"}}, status=503)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _archive(self, request: web.Request) -> web.Response:
        run = await request.json()
        assert run["metadata"]["uid"] == request.match_info["uid"]
        self.archived[request.match_info["uid"]] = run
        return web.json_response({"archived": True})

    async def _ledger(self, request: web.Request) -> web.Response:
        body = await request.json()
        known = {(line["triggerUID"], line.get("slot")) for line in self.firings}
        self.firings += [
            line for line in body["firings"] if (line["triggerUID"], line.get("slot")) not in known
        ]
        return web.json_response({"stored": len(body["firings"])})

    async def _slots(self, request: web.Request) -> web.Response:
        slots = sorted(
            line["slot"]
            for line in self.firings
            if line["triggerUID"] == request.match_info["uid"] and line["slot"] > request.query["after"]
        )
        return web.json_response({"slots": slots})

    async def _stale(self, request: web.Request) -> web.Response:
        return web.json_response({"claims": self.stale})

    async def _containers(self, request: web.Request) -> web.Response:
        seen = request.query.get("seen")
        self._arrived.clear()
        if seen is not None and not any(int(key) > int(seen) for key in self.requests):
            try:
                await asyncio.wait_for(self._arrived.wait(), 5)
            except TimeoutError:
                return web.json_response({"requests": []})
        return web.json_response({"requests": list(self.requests.values())})

    async def _finish(self, request: web.Request) -> web.Response:
        self.outcomes[request.match_info["id"]] = await request.json()
        self.requests.pop(request.match_info["id"], None)
        return web.json_response({"state": "done"})

    async def _check(self, request: web.Request) -> web.Response:
        body = await request.json()
        message = self.unreadable.get((body["namespace"], body["name"]))
        return web.json_response({"readable": message is None, "message": message or ""})


def certify(directory: Path) -> None:
    """An authority (ca.crt) and a certificate of 127.0.0.1 (tls.crt, tls.key)."""
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("ca", "internal")]
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key())
    for number, file in enumerate(("ca.crt", "tls.crt")):
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[number])
            .issuer_name(names[0])
            .public_key(keys[number].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
        )
        if number == 0:
            builder = builder.add_extension(key_identifier, critical=False)
        else:
            builder = builder.add_extension(address, critical=False).add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_identifier), critical=False
            )
        certificate = builder.sign(keys[0], hashes.SHA256())
        (directory / file).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "tls.key").write_bytes(
        keys[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
