"""The internal application: every route, and how it fails."""

from fastapi import FastAPI
from starlette.types import Scope

from tailrace_api.core.core import Core
from tailrace_api.http import failures
from tailrace_api.http.limits import BodyLimit
from tailrace_api.internal import operator, runner
from tailrace_api.internal.access import RunAccess
from tailrace_api.internal.claim_ages import ClaimAges
from tailrace_api.internal.errors import render
from tailrace_api.internal.tokens import TokenReviewer

MESSAGE_LIMIT = 16 * 1024 * 1024


def build(core: Core) -> FastAPI:
    """The application over these use cases."""
    app = FastAPI(
        title="Tailrace internal", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    settings, cluster = core.settings, core.cluster
    ages = ClaimAges(core.clock)
    cluster.runs.listeners.append(ages.on_change)
    app.state.core = core
    app.state.reviewer = TokenReviewer(cluster.client, settings.token_review_seconds)
    app.state.access = RunAccess(cluster.client, cluster.runs, settings.runner_account)
    app.state.claim_ages = ages
    app.include_router(runner.router)
    app.include_router(operator.router)
    failures.install(app, render)

    def limit(scope: Scope) -> int:
        upload = scope["method"] == "PUT" and "/outputs/" in scope["path"]
        return settings.output_limit if upload else MESSAGE_LIMIT

    app.add_middleware(BodyLimit, limit=limit)
    return app
