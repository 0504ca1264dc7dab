"""Holding the claim: renew it, and stop for good when that has not succeeded for too long.

The operator gives a Run to another pod once it was not renewed for 30 s. A runner that stops after 20 s is
certain to have stopped by then, without having to hear of it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from tailrace_runner.errors import ClaimLost, Fenced, ServerError
from tailrace_runner.http import Unreachable

RETRY_SECONDS = 1.0


async def hold(renew: Callable[[float], Awaitable[None]], *, every: float, fence_after: float) -> None:
    """Renew until cancelled. Raises Fenced, or ClaimLost where the server says that the claim is another's.

    A renewal counts from when it was sent: the server may have stored it then, not when the answer came.
    """
    loop = asyncio.get_running_loop()
    held_since = loop.time()
    ever_renewed = False
    while True:
        sent = loop.time()
        left = held_since + fence_after - sent
        if left <= 0:
            raise Fenced(f"the claim could not be renewed for {fence_after:g} s")
        try:
            # The outer limit holds whatever the client does: a fence that waits for a socket is none.
            async with asyncio.timeout(min(every, left)):
                await renew(min(every, left))
        except ServerError as refusal:
            if ever_renewed and refusal.code == "not_claimant":
                raise ClaimLost("the internal API says that the claim is another pod's") from refusal
        except (Unreachable, TimeoutError):
            pass
        else:
            held_since, ever_renewed = sent, True
            await asyncio.sleep(max(0.0, sent + every - loop.time()))
            continue
        await asyncio.sleep(min(RETRY_SECONDS, max(0.0, held_since + fence_after - loop.time())))
