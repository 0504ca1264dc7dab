"""Commands that are shown before they are run, so that a person can run them again."""

import json
import shlex
import shutil
import urllib.error
import urllib.request
from typing import Any

from common.console import ToolError
from common.process import run
from install.kubernetes import Kubernetes


def show(*words: str) -> None:
    """Print a command as it would be typed."""
    print(f"\n$ {shlex.join(words)}", flush=True)


def kubectl(kubernetes: Kubernetes, *arguments: str) -> str:
    """Show a kubectl command, run it, show its output; the output."""
    show("kubectl", *arguments)
    said = kubernetes.kubectl(*arguments)
    print(said.rstrip(), flush=True)
    return said


def curl(method: str, url: str, body: Any = None) -> str:
    """Show a curl command and run it; the body of the answer. ToolError where it is an error.

    Where there is no curl, the same request is made without it.
    """
    words = ["-s"] if method == "GET" else ["-s", "-X", method]
    words.append(url)
    data = None if body is None else json.dumps(body)
    if data is not None:
        words += ["-H", "Content-Type: application/json", "-d", data]
    show("curl", *words)
    if shutil.which("curl"):
        return run(["curl", "--show-error", "--fail-with-body", "--max-time", "30", *words])
    return request(method, url, data)


def request(method: str, url: str, data: str | None = None) -> str:
    """One request; the body of the answer."""
    content = data.encode() if data is not None else None
    headers = {"Content-Type": "application/json"} if content else {}
    asked = urllib.request.Request(url, content, headers, method=method)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise ToolError(f"{method} {url}: {error.code} {error.read().decode()}") from error
    except OSError as error:
        raise ToolError(f"{method} {url}: {error}") from error
