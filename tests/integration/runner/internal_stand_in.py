"""An internal API that does what docs/design/protocol.md says, and what a test asks of it besides."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

from aiohttp import web


class RefusedError(Exception):
    """An error as the protocol words it."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or code


class InternalStandIn:
    """Over TLS, with the pod's token. What was stored is there to be looked at."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate, key)
        self.plan: dict[str, Any] = {}
        self.journal: list[dict[str, Any]] = []
        self.journal_requests = 0
        self.lines: list[dict[str, Any]] = []
        self.renewals = 0
        self.outputs: dict[str, bytes] = {}
        self.credentials: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, Any] = {}
        self.containers: dict[str, dict[str, Any]] = {}
        self.refuse: dict[str, RefusedError] = {}
        self.unseen_claims = 0
        self.tokens: set[str] = set()
        self.url = ""
        self._port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; after a stop, on the same port again."""
        app = web.Application(client_max_size=110 * 1024 * 1024, middlewares=[self._errors])
        base = "/internal/v1/runs/{namespace}/{run}"
        app.add_routes(
            [
                web.get(f"{base}/plan", self._plan),
                web.post(f"{base}/journal", self._journal),
                web.post(f"{base}/renew", self._renew),
                web.get(f"{base}/credentials/{{name}}", self._credential),
                web.get(f"{base}/kv/{{kv}}/{{key}}", self._get_key),
                web.put(f"{base}/kv/{{kv}}/{{key}}", self._put_key),
                web.post(f"{base}/logs", self._logs),
                web.put(f"{base}/outputs/{{task}}", self._put_outputs),
                web.get(f"{base}/outputs/{{task}}", self._get_outputs),
                web.post(f"{base}/containers", self._start_container),
                web.get(f"{base}/containers/{{id}}", self._container),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"https://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """Refuse connections, and close those that are open."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _errors(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.tokens.add(request.headers.get("Authorization", ""))
        try:
            route = request.path.split("/")[6]
            if route in self.refuse:
                raise self.refuse[route]
            self._see_claim(route)
            answer: web.StreamResponse = await handler(request)
        except RefusedError as refusal:
            error = {"code": refusal.code, "message": refusal.message}
            return web.json_response({"error": error}, status=refusal.status)
        return answer

    def _see_claim(self, route: str) -> None:
        if route != "plan" and self.unseen_claims > 0:
            self.unseen_claims -= 1
            raise RefusedError(403, "not_claimant")

    async def _plan(self, request: web.Request) -> web.Response:
        return web.json_response({**self.plan, "journal": self.journal})

    async def _journal(self, request: web.Request) -> web.Response:
        self.journal_requests += 1
        known = {(entry["task"], entry["attempt"]) for entry in self.journal}
        entries = (await request.json())["entries"]
        self.journal += [entry for entry in entries if (entry["task"], entry["attempt"]) not in known]
        return web.json_response({"stored": len(entries)})

    async def _renew(self, request: web.Request) -> web.Response:
        self.renewals += 1
        return web.json_response({"renewed": True})

    async def _credential(self, request: web.Request) -> web.Response:
        found = self.credentials.get(request.match_info["name"])
        if found is None:
            raise RefusedError(404, "credential_not_found", "there is no such credential")
        return web.json_response(found)

    async def _get_key(self, request: web.Request) -> web.Response:
        if request.match_info["key"] not in self.keys:
            raise RefusedError(404, "key_not_found")
        return web.json_response({"value": self.keys[request.match_info["key"]]})

    async def _put_key(self, request: web.Request) -> web.Response:
        self.keys[request.match_info["key"]] = (await request.json())["value"]
        return web.json_response({})

    async def _logs(self, request: web.Request) -> web.Response:
        known = {line["seq"] for line in self.lines}
        lines = (await request.json())["lines"]
        self.lines += [line for line in lines if line["seq"] not in known]
        return web.json_response({})

    async def _put_outputs(self, request: web.Request) -> web.Response:
        content = await request.read()
        json.loads(content)
        self.outputs[request.match_info["task"]] = content
        return web.json_response({"ref": f"store:uid/{request.match_info['task']}", "bytes": len(content)})

    async def _get_outputs(self, request: web.Request) -> web.Response:
        return web.Response(body=self.outputs[request.match_info["task"]], content_type="application/json")

    async def _start_container(self, request: web.Request) -> web.Response:
        body = await request.json()
        identifier = f"{body['task']}-{body['attempt']}"
        self.containers.setdefault(identifier, body)
        return web.json_response({"id": identifier}, status=202)

    async def _container(self, request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        found = self.containers[request.match_info["id"]]
        if "exitCode" not in found:
            return web.json_response({"state": "pending"})
        return web.json_response(
            {"state": "done", "exitCode": found["exitCode"], "result": found.get("result")}
        )
