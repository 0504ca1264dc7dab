"""Probes and metrics: is the process at work, has it seen everything once, and how does it fare."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tailrace_operator import metrics

STUCK_AFTER = 300.0
"""Seconds for which a key may wait or be handled while this process holds the Lease."""


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong: its name, and what is wrong with it now (None: nothing)."""

    name: str
    problem: Callable[[], str | None]


class Health:
    """Serves /healthz (alive), /readyz (has synced) and /metrics."""

    def __init__(
        self, *, alive: Iterable[Check], ready: Iterable[Check], collect: Callable[[], None]
    ) -> None:
        self._alive = tuple(alive)
        self._ready = tuple(ready)
        self._collect = collect
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen on all addresses; `port` 0: any, see the attribute afterwards."""
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/livez", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, None, port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return _answer(self._alive)

    async def _readyz(self, _: web.Request) -> web.Response:
        return _answer(self._ready)

    async def _metrics(self, _: web.Request) -> web.Response:
        self._collect()
        return web.Response(
            body=generate_latest(metrics.REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


def _answer(checks: tuple[Check, ...]) -> web.Response:
    problems = [f"{check.name}: {problem}" for check in checks if (problem := check.problem()) is not None]
    return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)
