"""`tailrace-runner`: the program of a Run's pod. Its exit codes are part of the contract (docs/runner.md)."""

import asyncio
import gc
import os
import signal
import sys
import traceback

from tailrace_runner import pod
from tailrace_runner.errors import ClaimLost, Fenced, RunEnded
from tailrace_runner.settings import Settings, from_environment

DONE = 0
FAULT = 1
MISCONFIGURED = 2
NOT_OURS = 3
NOTHING_ASSIGNED = 4
TERMINATED = 143


def main() -> None:
    """Execute the Run that is assigned to this pod; exits."""
    # Nothing of what a start allocates is garbage: collecting it only delays the first task.
    gc.disable()
    # pydantic would otherwise look through every installed distribution for plugins of its own.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        settings = from_environment()
    except ValueError as error:
        pod.say(str(error))
        sys.exit(MISCONFIGURED)
    code = asyncio.run(_run(settings))
    sys.stdout.flush()
    # Not sys.exit, which waits for threads: a task that would not stop must not outlive the claim.
    os._exit(code)


async def _run(settings: Settings) -> int:
    work = asyncio.create_task(pod.execute(settings))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    try:
        await work
    except RunEnded:
        return DONE
    except (ClaimLost, Fenced) as error:
        pod.say(str(error))
        return NOT_OURS
    except pod.NothingAssignedError as error:
        pod.say(str(error))
        return NOTHING_ASSIGNED
    except asyncio.CancelledError:
        pod.say("stopped by SIGTERM; the next attempt goes on from the journal")
        return TERMINATED
    except Exception:  # noqa: BLE001 - whatever it is, the operator makes the next attempt
        traceback.print_exc()
        return FAULT
    return DONE


if __name__ == "__main__":
    main()
