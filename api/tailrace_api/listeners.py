"""The small applications beside the API: probes, metrics, and the one behind the Service."""

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tailrace_api.core.core import Core
from tailrace_api.dialects.workflowdev.envelope import render
from tailrace_api.http.failures import Refusal
from tailrace_api.metrics import CONTENT_TYPE, Metrics
from tailrace_api.settings import Settings
from tailrace_api.store.database import Unavailable


def closed(settings: Settings) -> ASGIApp:
    """Refuses everything: without JWT nobody can prove who they are, so nobody is let in from the network."""
    message = (
        "authentication is off, so this API answers only inside its own pod: kubectl port-forward "
        f"-n {settings.namespace} svc/{settings.service_name} {settings.api_port}, "
        f"then http://127.0.0.1:{settings.api_port}"
    )
    refusal = Refusal(403, "open_on_loopback_only", message)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"}:
            scope["tailrace.route"] = "any"
            await render(refusal)(scope, receive, send)

    return application


def probes(core: Core) -> ASGIApp:
    """/healthz and /readyz for the kubelet."""

    async def healthz(_request: Request) -> Response:
        return _json(200, {"status": "ok"})

    async def readyz(_request: Request) -> Response:
        waiting = [cache.resource.plural for cache in core.cluster.caches if not cache.synced.is_set()]
        try:
            await core.store.database.ping()
        except Unavailable as error:
            return _json(503, {"status": "the database does not answer", "reason": str(error)})
        if waiting:
            return _json(503, {"status": "not yet listed from Kubernetes", "waiting": waiting})
        return _json(200, {"status": "ok"})

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz)])


def metrics_only(metrics: Metrics) -> ASGIApp:
    """/metrics for Prometheus."""

    async def read(_request: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route("/metrics", read)])


def _json(status: int, body: dict[str, object]) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
