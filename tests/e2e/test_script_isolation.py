"""What a script cannot do in a runner's pod, under the seccomp profile and the kernel of a real node."""

from typing import Any

import pytest

from tests.e2e.system import System

ATTEMPTS = {
    "read the runner's token": "open('/var/run/tailrace/token').read()",
    "read the internal token": "open('/var/run/tailrace/internal-token').read()",
    "list the runner's identity": "os.listdir('/var/run/tailrace')",
    "read by the runner's root": "open(f'/proc/{runner}/root/var/run/tailrace/token').read()",
    "read the runner's environment": "open(f'/proc/{runner}/environ', 'rb').read()",
    "read the runner's memory": "open(f'/proc/{runner}/mem', 'rb')",
    "signal the runner": "os.kill(runner, signal.SIGCONT)",
    "list the tasks' directories": "os.listdir('/tmp')",
    "write beside its directory": "open('../beside', 'w')",
    "write shared memory": "open('/dev/shm/beside', 'w')",
}
CODE = """
import errno, json, os, signal, ssl, subprocess, sys, urllib.request, urllib.error
runner = os.getppid()
refused = {}
for name, statement in inputs['attempts'].items():
    try:
        exec(statement)
        refused[name] = None
    except OSError as error:
        refused[name] = errno.errorcode[error.errno]
with open('own', 'w') as file:
    file.write('kept')
shell = subprocess.run(['sh', '-c', 'cat own; cat /var/run/tailrace/token'], capture_output=True, text=True)
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
try:
    version = 'https://kubernetes.default.svc/version'
    status = urllib.request.urlopen(version, context=context, timeout=20).status
except urllib.error.HTTPError as error:
    status = error.code
child = subprocess.run([sys.executable, '-c', 'print(1 + 1)'], capture_output=True, text=True)
outputs = {'refused': refused, 'shell': [shell.stdout, shell.stderr], 'status': status, 'child': child.stdout}
"""


@pytest.fixture(scope="module")
def outputs(system: System) -> Any:
    """What a script saw that tried all of it."""
    script = {
        "name": "try",
        "type": "script.python",
        "properties": {"code": CODE, "inputs": {"attempts": ATTEMPTS}},
    }
    flow = system.flow(script, outputs={"seen": "{{ tasks.try.outputs }}"})
    run = system.ended(system.create_run(flow))
    assert run["status"]["phase"] == "Succeeded", run["status"]
    return run["status"]["outputs"]["seen"]


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_it_is_refused(outputs: Any, attempt: str) -> None:
    # ENOENT would mean that there was nothing to refuse.
    assert outputs["refused"][attempt] == ("EPERM" if "signal" in attempt else "EACCES")


def test_what_it_starts_is_refused_as_well(outputs: Any) -> None:
    stdout, stderr = outputs["shell"]
    assert stdout == "kept"
    assert "Permission denied" in stderr


def test_its_own_directory_programs_and_the_network_are_open(outputs: Any) -> None:
    assert outputs["child"] == "2\n"
    assert outputs["status"] in {200, 401, 403}
