"""What the store forgets, and when."""

import asyncio
from datetime import datetime, timedelta

import structlog

from tailrace_api.core.clock import Clock
from tailrace_api.store.database import Unavailable
from tailrace_api.store.store import Store

log = structlog.get_logger(__name__)

EVERY_SECONDS = 600.0
LEFTOVER_UPLOADS = timedelta(hours=6)
FORGOTTEN_CLAIMS = timedelta(days=2)


async def sweep(store: Store, clock: Clock) -> None:
    """Forget what is over, every ten minutes, until cancelled."""
    while True:
        try:
            await once(store, clock())
        except Unavailable as error:
            log.warning("nothing swept", error=str(error))
        await asyncio.sleep(EVERY_SECONDS)


async def once(store: Store, now: datetime) -> None:
    """Forget causes whose time is over, uploads that never finished, claims of Runs that vanished."""
    expired = await store.causes.expire(now)
    await store.outputs.drop_leftovers(now - LEFTOVER_UPLOADS)
    await store.claims.forget_before(now - FORGOTTEN_CLAIMS)
    if expired:
        log.info("swept", causes=expired)
