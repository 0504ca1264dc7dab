"""Process 1 of a cluster: starts its components in order, restarts what dies, reaps what is orphaned.

It is one thread around one `select`: as process 1 it has to wait for children that it did not
start (containers' shims), which threads that wait for their own would race with.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.components import Component
from cluster.probes import answers

POLL_SECONDS = 0.05
IDLE_SECONDS = 1.0
TERMINATION_SECONDS = 5.0
MAXIMUM_BACKOFF_SECONDS = 10.0
# A component that ran for that long before it died is restarted at once.
STABLE_SECONDS = 30.0


@dataclass
class Child:
    """A component as it runs now."""

    component: Component
    wanted: bool = True
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False
    started_at: float = 0.0
    failures: int = 0
    start_at: float = 0.0
    kill_at: float | None = None

    @property
    def state(self) -> str:
        """One word for `status`."""
        if self.process is not None:
            if not self.wanted:
                return "stopping"
            return "ready" if self.ready else "starting"
        return "waiting" if self.wanted else "stopped"


class Supervisor:
    """Keeps components running and obeys the control socket."""

    def __init__(self, components: Sequence[Component], logs: Path, control: Path, ca: Path) -> None:
        self.children = {component.name: Child(component) for component in components}
        self.logs = logs
        self.ca = ca
        self.selector = selectors.DefaultSelector()
        control.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(control))
        control.chmod(0o600)
        self.listener.listen()
        self.wakeup, waker = socket.socketpair()
        for end in (self.listener, self.wakeup, waker):
            end.setblocking(False)  # noqa: FBT003
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        self._waker = waker
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.selector.register(self.wakeup, selectors.EVENT_READ)

    def run_forever(self) -> None:
        """Supervise; ends with the process."""
        while True:
            self._reap()
            self._advance(time.monotonic())
            settled = all(child.state in ("ready", "stopped") for child in self.children.values())
            for key, _ in self.selector.select(IDLE_SECONDS if settled else POLL_SECONDS):
                if key.fileobj is self.listener:
                    self._serve()
                else:
                    self.wakeup.recv(4096)

    def _advance(self, now: float) -> None:
        """Take the next step for each component."""
        for child in self.children.values():
            if child.process is None:
                if child.wanted and now >= child.start_at and self._may_start(child):
                    self._start(child, now)
            elif child.kill_at is not None:
                if now >= child.kill_at:
                    child.process.kill()
            elif not child.ready:
                child.ready = answers(child.component.ready, self.ca)

    def _may_start(self, child: Child) -> bool:
        # Only the first start has an order: later ones find what they need or retry.
        return child.started_at > 0 or all(self.children[name].ready for name in child.component.after)

    def _start(self, child: Child, now: float) -> None:
        child.started_at = now
        child.ready = False
        child.kill_at = None
        with (self.logs / f"{child.component.name}.log").open("ab") as log:
            try:
                child.process = subprocess.Popen(
                    # The children of a supervisor that is killed go with it.
                    ["setpriv", "--pdeathsig", "KILL", *child.component.command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:
                log.write(f"{child.component.command[0]}: {error}\n".encode())
                self._schedule_restart(child, now)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self.children.values():
                if child.process is not None and child.process.pid == pid:
                    child.process.returncode = os.waitstatus_to_exitcode(status)
                    self._ended(child)

    def _ended(self, child: Child) -> None:
        child.process = None
        child.ready = False
        child.kill_at = None
        if child.wanted:
            self._schedule_restart(child, time.monotonic())

    def _schedule_restart(self, child: Child, now: float) -> None:
        child.failures = 0 if now - child.started_at > STABLE_SECONDS else child.failures + 1
        child.start_at = now + min(0.25 * 2**child.failures, MAXIMUM_BACKOFF_SECONDS)

    def _serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            connection.settimeout(1.0)
            try:
                request = json.loads(connection.recv(4096))
                connection.sendall(json.dumps(self.answer(request)).encode())
            except (OSError, ValueError):
                return

    def answer(self, request: dict[str, str]) -> dict[str, object]:
        """Carry out one request of the control socket."""
        verb, name = request.get("verb"), request.get("component", "")
        if verb == "status":
            return {"components": {name: self._describe(name) for name in self.children}}
        child = self.children.get(name)
        if child is None or verb not in ("start", "stop"):
            return {"error": f"no component {name!r}: {', '.join(self.children)}"}
        child.wanted = verb == "start"
        child.failures, child.start_at = 0, 0.0
        if not child.wanted and child.process is not None and child.kill_at is None:
            child.process.terminate()
            child.kill_at = time.monotonic() + TERMINATION_SECONDS
        return {}

    def _describe(self, name: str) -> dict[str, object]:
        child = self.children[name]
        pid = child.process.pid if child.process is not None else None
        return {"state": child.state, "pid": pid, "failures": child.failures}
