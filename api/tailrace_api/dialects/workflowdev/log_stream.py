"""The log of an execution over a WebSocket: one line a message, closed with 1000 once all are sent."""

import asyncio
from contextlib import aclosing

import orjson
from fastapi import APIRouter, Request, Response, WebSocket, WebSocketDisconnect

from tailrace_api.core.core import Core
from tailrace_api.core.errors import Failure, Unavailable
from tailrace_api.dialects.workflowdev.envelope import render
from tailrace_api.dialects.workflowdev.wire import PREFIX
from tailrace_api.http.failures import Refusal, refusal
from tailrace_api.store.database import Unavailable as DatabaseUnavailable
from tailrace_api.store.logs import LogLine

SEND_SECONDS = 30.0
"""A client that takes no message for so long is let go; until then only its own lines wait for it."""

router = APIRouter(prefix=PREFIX, tags=["executions"])


@router.get("/executions/{id}/logs", status_code=426, summary="Stream logs (WebSocket)", response_model=None)
async def need_websocket(_request: Request, id: str) -> Response:  # noqa: A002, ARG001 - the documented path
    """The log comes over a WebSocket: a plain GET is told so."""
    message = "this route speaks WebSocket: connect to it with ws://"
    return render(Refusal(426, "upgrade_required", message, headers={"Upgrade": "websocket"}))


@router.websocket("/executions/{id}/logs")
async def stream_log(socket: WebSocket, id: str) -> None:  # noqa: A002 - as above
    """Every line so far, then each new one, until the execution has ended."""
    core: Core = socket.app.state.core
    try:
        view = await core.run_views.get(id)
    except (Failure, DatabaseUnavailable) as error:
        await socket.send_denial_response(render(refusal(error)))
        return
    await socket.accept()
    sending = asyncio.create_task(_send(socket, core, view.item["metadata"]["uid"]))
    leaving = asyncio.create_task(_left(socket))
    done, pending = await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    if sending in done:
        code, reason = sending.result()
        await socket.close(code, reason)


async def _send(socket: WebSocket, core: Core, run_uid: str) -> tuple[int, str]:
    """Send all lines; the code and reason to close with."""
    try:
        async with aclosing(core.log_streams.follow(run_uid)) as pages:
            async for page in pages:
                for line in page:
                    await asyncio.wait_for(socket.send_text(_message(line)), SEND_SECONDS)
    except (Unavailable, DatabaseUnavailable):
        return 1013, "try again later"
    except TimeoutError:
        return 1008, "messages were not taken"
    except (WebSocketDisconnect, RuntimeError):
        return 1001, "gone"
    return 1000, ""


async def _left(socket: WebSocket) -> None:
    """Until the client goes; what it sends meanwhile is not asked for."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        continue


def _message(line: LogLine) -> str:
    fields = {"time": line.time, "task": line.task, "attempt": line.attempt, "level": line.level}
    return orjson.dumps({**fields, "message": line.message}).decode()
