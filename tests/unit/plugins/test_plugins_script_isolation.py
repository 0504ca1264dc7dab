"""What a script can reach: real processes in real Landlock domains, and none where seccomp forbids them."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tailrace_plugins import catalogue
from tailrace_plugins.base import TaskError
from tailrace_plugins.script import landlock

ABI = landlock.abi()
needs_landlock = pytest.mark.skipif(ABI < 1, reason="the kernel has no Landlock")
needs_scopes = pytest.mark.skipif(ABI < landlock.FULL_ABI, reason="the kernel's Landlock scopes no signals")


async def run(context, code, **properties):
    return await catalogue.get("script.python")().execute({"code": code, **properties}, context)


@pytest.fixture
def context(context, tmp_path):
    """A task's directory beside another's, and beside a token."""
    context.workdir = tmp_path / "mine"
    context.workdir.mkdir()
    (tmp_path / "token").write_text("s3cret")
    other = tmp_path / "other" / ".tailrace"
    other.mkdir(parents=True)
    (other / "result.json").write_text('{"outputs": {"stolen": true}}')
    return context


def attempt(statement):
    """A program that says with which error, by its errno's name, the statement was refused."""
    return (
        "import errno, os, pathlib, signal, socket, subprocess, sys\n"
        "outside, runner = inputs['outside'], inputs['runner']\n"
        "try:\n"
        f"    {statement}\n"
        "    outputs = {'refused': None}\n"
        "except OSError as error:\n"
        "    outputs = {'refused': errno.errorcode[error.errno]}\n"
    )


async def refusal(context, statement):
    inputs = {"outside": str(context.workdir.parent), "runner": os.getpid()}
    return (await run(context, attempt(statement), inputs=inputs))["refused"]


@needs_landlock
@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("open(outside + '/token').read()", id="read a file outside"),
        pytest.param("open('../token').read()", id="read it by a relative path"),
        pytest.param("os.symlink('../token', 'link'), open('link').read()", id="read it through a link"),
        pytest.param("os.link('../token', 'hard')", id="link it into its own directory"),
        pytest.param("os.rename('../token', 'moved')", id="move it into its own directory"),
        pytest.param("os.listdir(outside + '/other')", id="list another task's directory"),
        pytest.param("open(outside + '/other/.tailrace/result.json')", id="read another task's outputs"),
        pytest.param("open(outside + '/new', 'w')", id="write outside"),
        pytest.param("open(outside + '/token', 'a')", id="append outside"),
        pytest.param("os.mkdir(outside + '/new')", id="make a directory outside"),
        pytest.param("os.unlink(outside + '/token')", id="remove a file outside"),
        pytest.param("open(f'/proc/{runner}/environ', 'rb')", id="read the runner's environment"),
        pytest.param("open(f'/proc/{runner}/mem', 'rb')", id="read the runner's memory"),
        pytest.param("open(f'/proc/{runner}/root' + outside + '/token')", id="by the runner's root"),
        pytest.param("os.listdir(f'/proc/{runner}/fd')", id="list the runner's open files"),
        pytest.param("os.listdir('/proc')", id="list the processes"),
        pytest.param("os.listdir('/')", id="list the root"),
        pytest.param("os.listdir('/run')", id="list /run"),
        pytest.param("open('/dev/shm/tailrace-test', 'w')", id="write shared memory"),
    ],
)
async def test_nothing_outside_its_own_directory_can_be_reached(statement, context):
    before = sorted(context.workdir.parent.rglob("*"))
    assert await refusal(context, statement) in {"EACCES", "EPERM", "EXDEV"}
    left = [path for path in sorted(context.workdir.parent.rglob("*")) if context.workdir not in path.parents]
    assert left == [path for path in before if context.workdir not in path.parents]
    assert (context.workdir.parent / "token").read_text() == "s3cret"


@needs_scopes
@pytest.mark.parametrize("number", [0, signal.SIGCONT])
async def test_its_runner_cannot_be_signalled(number, context):
    assert await refusal(context, f"os.kill(runner, {int(number)})") == "EPERM"


@needs_scopes
async def test_an_abstract_socket_outside_cannot_be_connected_to(context):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0tailrace-test-{os.getpid()}")
        server.listen()
        connect = f"socket.socket(socket.AF_UNIX).connect('\\0tailrace-test-{os.getpid()}')"
        assert await refusal(context, connect) == "EPERM"


@needs_landlock
async def test_what_it_starts_is_confined_as_well(context):
    code = (
        "import subprocess, sys\n"
        "shell = subprocess.run(['sh', '-c', 'cat ../token'], capture_output=True, text=True)\n"
        "child = 'import os; print(os.listdir(\"..\"))'\n"
        "python = subprocess.run([sys.executable, '-c', child], capture_output=True, text=True)\n"
        "outputs = {'shell': shell.stdout + shell.stderr, 'python': python.stdout + python.stderr}\n"
    )
    outputs = await run(context, code)
    assert "Permission denied" in outputs["shell"]
    assert "PermissionError" in outputs["python"]
    assert "s3cret" not in json.dumps(outputs)


async def test_a_program_has_what_it_needs(context):
    code = (
        "import concurrent.futures, datetime, decimal, hashlib, json, mimetypes, os, pathlib, re\n"
        "import shutil, socket, sqlite3, ssl, subprocess, sys, tempfile, urllib.request, zoneinfo\n"
        "own = pathlib.Path('data')\n"
        "own.mkdir()\n"
        "(own / 'a').write_text('kept')\n"
        "(own / 'a').rename('b')\n"
        "os.symlink('b', 'c')\n"
        "shutil.rmtree(own)\n"
        "open('b', 'r+').truncate(2)\n"
        "with tempfile.TemporaryFile() as file: file.write(b'x')\n"
        "database = sqlite3.connect('d.sqlite')\n"
        "database.execute('create table t (a)')\n"
        "database.commit()\n"
        "pathlib.Path('e').write_text('#!/bin/sh\\necho ran')\n"
        "os.chmod('e', 0o700)\n"
        "ssl.create_default_context()\n"
        "mimetypes.guess_type('a.pdf')\n"
        "socket.getaddrinfo('localhost', 80)\n"
        "zoneinfo.ZoneInfo('Europe/Berlin')\n"
        "with concurrent.futures.ThreadPoolExecutor() as pool: list(pool.map(str, range(9)))\n"
        "def said(*command): return subprocess.run(command, capture_output=True, check=True, text=True,"
        " stdin=subprocess.DEVNULL).stdout\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "child.kill()\n"
        "outputs = {\n"
        "    'file': open('c').read(),\n"
        "    'shell': said('sh', '-c', 'echo $((1 + 1)); echo no >/dev/null; cat b'),\n"
        "    'own': said('./e'),\n"
        "    'python': said(sys.executable, '-c', 'import json; print(json.dumps([1]))'),\n"
        "    'killed': child.wait(),\n"
        "    'self': 'Name' in open('/proc/self/status').read(),\n"
        "    'random': len(open('/dev/urandom', 'rb').read(4)),\n"
        "}\n"
        "subprocess.run(['sh', '-c', 'echo piped > /dev/stderr'], check=True)\n"
    )
    assert await run(context, code) == {
        "file": "ke",
        "shell": "2\nke",
        "own": "ran\n",
        "python": "[1]\n",
        "killed": -9,
        "self": True,
        "random": 4,
    }
    assert context.lines == [("warning", "piped")]


async def test_the_network_stays_open(context):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"answered")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        code = (
            "import urllib.request\n"
            "outputs = {'body': urllib.request.urlopen(inputs['url'], timeout=20).read().decode()}"
        )
        outputs = await run(context, code, inputs={"url": f"http://127.0.0.1:{server.server_port}/"})
        server.shutdown()
        thread.join()
    assert outputs == {"body": "answered"}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("os.symlink('../../other/.tailrace/result.json', result)", id="a link for the result"),
        pytest.param(
            "os.rename('.tailrace', 'away'), os.symlink('../other/.tailrace', '.tailrace')",
            id="a link for the directory",
        ),
        pytest.param("os.mkfifo(result)", id="a pipe that nobody writes to"),
        pytest.param("os.mkdir(result)", id="a directory"),
        pytest.param("socket.socket(socket.AF_UNIX).bind(result)", id="a socket"),
    ],
)
async def test_the_runner_reads_no_result_but_the_scripts_own(code, context):
    program = f"import os, socket\nresult = '.tailrace/result.json'\n{code}\nos._exit(0)"
    with pytest.raises(TaskError, match=r"cannot be read|before it gave outputs"):
        await asyncio.wait_for(run(context, program), 20)


@pytest.mark.parametrize(
    ("abi", "files", "scopes"),
    [
        pytest.param(1, 0x1FFF, 0, id="1: the first"),
        pytest.param(2, 0x3FFF, 0, id="2: moving between directories"),
        pytest.param(3, 0x7FFF, 0, id="3: truncation"),
        pytest.param(4, 0x7FFF, 0, id="4: TCP, which stays open"),
        pytest.param(5, 0xFFFF, 0, id="5: ioctl on devices"),
        pytest.param(6, 0xFFFF, 3, id="6: signals and abstract sockets"),
        pytest.param(7, 0xFFFF, 3, id="7: audit, which changes nothing"),
        pytest.param(99, 0xFFFF, 3, id="one that does not exist yet"),
    ],
)
def test_each_abi_is_asked_for_what_it_knows(abi, files, scopes):
    assert landlock.handled(abi) == (files, scopes)


@pytest.mark.parametrize(
    ("abi", "said"),
    [
        pytest.param(0, "can read the runner's files and signal its processes", id="none"),
        *(
            pytest.param(
                abi, f"Landlock is ABI {abi}, below 6 (Linux 6.12): the script can signal", id=str(abi)
            )
            for abi in range(1, 6)
        ),
        pytest.param(6, None, id="6"),
        pytest.param(7, None, id="7"),
    ],
)
def test_what_is_lacking_is_said(abi, said):
    lacking = landlock.lacking(abi)
    assert (said in lacking) if said else lacking is None


def test_no_rule_opens_the_root_or_a_whole_prefix():
    paths = dict(landlock.allowed("/home/me/mine", ("/", "/home/me/project")))
    assert not {"/", "//", "/home/me/project", "/etc", "/proc", "/dev", "/run", "/var"} & paths.keys()
    assert [path for path, rights in paths.items() if rights & landlock.WRITE_FILE] == [
        "/home/me/mine",
        "/dev/null",
    ]


@needs_landlock
@pytest.mark.parametrize("abi", range(1, 8))
def test_a_domain_of_each_abi_closes_files_and_leaves_its_own(abi, tmp_path):
    if abi > ABI:
        pytest.skip(f"the kernel's Landlock is ABI {ABI}")
    (tmp_path / "token").write_text("s3cret")
    own = tmp_path / "mine"
    own.mkdir()
    program = (
        "import os, sys\n"
        "from tailrace_plugins.script import landlock\n"
        f"landlock.enter({str(own)!r}, {abi})\n"
        "open('own', 'w').write('x')\n"
        "try: open('../token')\n"
        "except PermissionError: print('closed')\n"
        "try: os.kill(os.getppid(), 0); print('signalled')\n"
        "except PermissionError: print('scoped')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=own, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["closed", "scoped" if abi >= landlock.FULL_ABI else "signalled"], (
        done.stderr
    )


SECCOMP = """
import ctypes, errno, struct, sys
def deny(number, error):
    # load the system call's number; where it is this one, answer with an error; else allow
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | error), (0x06, 0, 0, 0x7FFF0000)]
    program = b''.join(struct.pack('=HBBI', *line) for line in code)
    text = ctypes.create_string_buffer(program, len(program))
    filter_ = ctypes.create_string_buffer(struct.pack('@HP', len(code), ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(filter_)) == 0, ctypes.get_errno()
deny(int(sys.argv[1]), getattr(errno, sys.argv[2]))
import asyncio, json, pathlib
sys.path.insert(0, sys.argv[3])
from conftest import Context
from tailrace_plugins import catalogue
from tailrace_plugins.base import TaskError
context = Context(pathlib.Path.cwd())
code = {'code': "outputs = {'token': open('../token').read()}"}
try:
    result = asyncio.run(catalogue.get('script.python')().execute(code, context))
except TaskError as error:
    result = [error.reason, error.message, error.retryable]
print(json.dumps([result, context.lines]))
"""


def without_landlock(context, number, error, **env):
    """How a script goes in a process to which a real seccomp filter denies a system call."""
    command = [sys.executable, "-c", SECCOMP, str(number), error, str(Path(__file__).parent)]
    done = subprocess.run(
        command,
        cwd=context.workdir,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("error", ["ENOSYS", "EOPNOTSUPP", "EPERM"])
def test_without_landlock_it_runs_and_the_log_warns_once(error, context):
    result, lines = without_landlock(context, 444, error)
    assert result == {"token": "s3cret"}
    [(level, message)] = lines
    assert level == "warning"
    assert "not fully isolated: Landlock is not available" in message


def test_where_landlock_is_required_it_is_refused_with_the_reason(context):
    result, lines = without_landlock(context, 444, "EPERM", TAILRACE_REQUIRE_LANDLOCK="true")
    reason, message, retryable = result
    assert (reason, retryable, lines) == ("IsolationUnavailable", False, [])
    assert message.startswith("TAILRACE_REQUIRE_LANDLOCK is set, but Landlock is not available")


@needs_landlock
def test_a_domain_that_cannot_be_entered_stops_the_script(context):
    result, _ = without_landlock(context, 446, "EPERM")
    reason, message, retryable = result
    assert (reason, retryable) == ("IsolationFailed", False)
    assert "cannot enter a Landlock domain" in message


@needs_scopes
async def test_where_landlock_is_required_and_there_is_it_runs_unwarned(context, monkeypatch):
    monkeypatch.setenv("TAILRACE_REQUIRE_LANDLOCK", "true")
    assert await run(context, "outputs = {'a': 1}") == {"a": 1}
    assert context.lines == []
