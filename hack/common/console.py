"""What a person sees while a tool works: steps with their time, and errors without a traceback.

It all goes to standard error: standard output is for answers, such as a path, that a script reads.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

TICK_SECONDS = 10.0


class ToolError(Exception):
    """Something that the person who called the tool can act on."""


def say(text: str) -> None:
    """Print a line for the person."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announce what is being done, remind of it while it lasts, and say how long it took."""
    started = time.monotonic()
    done = threading.Event()

    def remind() -> None:
        while not done.wait(TICK_SECONDS):
            say(f"   ... {title} ({time.monotonic() - started:.0f} s)")

    reminder = threading.Thread(target=remind, daemon=True)
    reminder.start()
    say(f"-> {title}")
    try:
        yield
    finally:
        done.set()
        reminder.join()
    say(f"   {title}: {time.monotonic() - started:.1f} s")


def main_guard(main: Callable[[], int]) -> int:
    """Run a tool's main function; a ToolError becomes a message and exit status 1."""
    try:
        return main()
    except ToolError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
