"""workflowdev's application: every route, and how it fails."""

from fastapi import FastAPI, Response

from tailrace_api.core.core import Core
from tailrace_api.dialects.workflowdev import (
    auth,
    credentials,
    executions,
    flows,
    health,
    kv,
    log_stream,
    plugins,
    triggers,
)
from tailrace_api.dialects.workflowdev.envelope import render
from tailrace_api.http import failures
from tailrace_api.http.limits import BodyLimit
from tailrace_api.http.origins import OwnHosts
from tailrace_api.metrics import CONTENT_TYPE, Metrics
from tailrace_api.settings import Settings


def build(settings: Settings, core: Core | None = None, metrics: Metrics | None = None) -> FastAPI:
    """The application; without a core it can only describe itself."""
    app = FastAPI(
        title="Tailrace, workflowdev dialect",
        version="1",
        description="Flows, executions, triggers, plugins, credentials and key-value storage.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.core = core
    for module in (flows, executions, log_stream, triggers, plugins, credentials, kv, health, auth):
        app.include_router(module.router)
    if metrics is not None:
        _serve_metrics(app, metrics)
    failures.install(app, render)
    app.add_middleware(BodyLimit, limit=settings.body_limit)
    app.add_middleware(OwnHosts, hosts=settings.own_hosts, render=render)
    return app


def _serve_metrics(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/metrics", include_in_schema=False)
    async def read_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)
