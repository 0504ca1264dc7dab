"""Who may ask for what: a runner for the Run that it has claimed, the operator for its own routes."""

import hmac
from typing import Annotated, Any, Literal

from fastapi import Depends, Request

from tailrace_api.cluster.cache import Cache
from tailrace_api.core.core import Core
from tailrace_api.core.errors import Forbidden, Unauthenticated, from_kube
from tailrace_api.internal.errors import not_claimant, unreviewed
from tailrace_api.internal.tokens import Bearer, TokenReviewer, Unreviewed
from tailrace_kube.client import Client
from tailrace_kube.errors import KubeError, NotFound
from tailrace_kube.resources import RUNS

Object = dict[str, Any]
Part = Literal["claim", "assigned"]


class RunAccess:
    """Knows which pod has which Run; asks the API server where the cache does not know it yet."""

    def __init__(self, client: Client, runs: Cache, runner_account: str) -> None:
        self._client = client
        self._runs = runs
        self._runner_account = runner_account

    async def claimed(self, bearer: Bearer, namespace: str, name: str) -> Object:
        """The Run (as the cache keeps it) that this pod has claimed; Forbidden otherwise."""
        self._check_account(bearer, namespace)
        cached = self._runs.get(namespace, name)
        if cached is not None and _holds(cached, "claim", bearer):
            return cached
        return await self._fresh(bearer, namespace, name, ("claim",))

    async def assigned(self, bearer: Bearer, namespace: str, name: str) -> Object:
        """The whole Run that this pod is assigned or has claimed; Forbidden otherwise."""
        self._check_account(bearer, namespace)
        return await self._fresh(bearer, namespace, name, ("assigned", "claim"))

    async def _fresh(self, bearer: Bearer, namespace: str, name: str, parts: tuple[Part, ...]) -> Object:
        try:
            run = await self._client.get(RUNS, name, namespace)
        except NotFound as error:
            raise not_claimant() from error
        except KubeError as error:
            raise from_kube(error) from error
        self._runs.observe(run)
        if not any(_holds(run, part, bearer) for part in parts):
            raise not_claimant()
        return run

    def _check_account(self, bearer: Bearer, namespace: str) -> None:
        expected = f"system:serviceaccount:{namespace}:{self._runner_account}"
        if bearer.pod_uid is None or not hmac.compare_digest(bearer.user.encode(), expected.encode()):
            raise not_claimant()


def _holds(run: Object, part: Part, bearer: Bearer) -> bool:
    holder = (run.get("status") or {}).get(part) or {}
    return bearer.pod_uid is not None and holder.get("podUID") == bearer.pod_uid


def core(request: Request) -> Core:
    """The use cases."""
    found: Core = request.app.state.core
    return found


async def bearer(request: Request) -> Bearer:
    """The holder of the request's token; Unauthenticated."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("unauthorized", "a bearer token of the audience tailrace-internal is needed")
    reviewer: TokenReviewer = request.app.state.reviewer
    try:
        found = await reviewer.review(token.strip())
    except Unreviewed as error:
        raise unreviewed() from error
    if found is None:
        raise Unauthenticated("unauthorized", "the token is not valid for the audience tailrace-internal")
    return found


Uses = Annotated[Core, Depends(core)]
Holder = Annotated[Bearer, Depends(bearer)]


async def claimed_run(request: Request, holder: Holder, namespace: str, run: str) -> Object:
    """The Run in the path, where the caller has claimed it."""
    access: RunAccess = request.app.state.access
    return await access.claimed(holder, namespace, run)


async def assigned_run(request: Request, holder: Holder, namespace: str, run: str) -> Object:
    """The Run in the path, whole, where the caller is assigned to it."""
    access: RunAccess = request.app.state.access
    return await access.assigned(holder, namespace, run)


async def operator(request: Request, holder: Holder) -> None:
    """Forbidden for anyone but the operator's service account."""
    user = request.app.state.core.settings.operator_user
    if not hmac.compare_digest(holder.user.encode(), user.encode()):
        raise Forbidden("forbidden", "these routes are the operator's")


ClaimedRun = Annotated[Object, Depends(claimed_run)]
AssignedRun = Annotated[Object, Depends(assigned_run)]
