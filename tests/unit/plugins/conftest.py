"""A task's context without a runner: what a plugin asks for, kept in memory."""

import pytest

from tailrace_plugins import secrets
from tailrace_plugins.base import ContainerResult, Credential, Network, TaskError


class Store:
    """The key-value store's interface over a dict."""

    def __init__(self):
        self.values = {}

    async def get(self, key):
        return self.values[key]

    async def set(self, key, value):
        self.values[key] = value

    async def delete(self, key):
        self.values.pop(key, None)


class Containers:
    """Answers every request with one result, and keeps the request."""

    def __init__(self):
        self.requests = []
        self.result = ContainerResult(exit_code=0)

    async def run(self, request):
        self.requests.append(request)
        return self.result


class Context:
    """What `tailrace_plugins.base.TaskContext` promises; credentials are resolved by the real code."""

    def __init__(self, workdir):
        self.run, self.task, self.attempt = "run-1", "task-1", 1
        self.idempotency_key = "run-1/task-1"
        self.workdir = workdir
        self.network = Network(allow_private=True, allow_loopback=True)
        self.kv = Store()
        self.containers = Containers()
        self.credentials = {}
        self.lines = []
        self._resolved = set()

    def log(self, message, level="info"):
        self.lines.append((level, message))

    def redact(self, text):
        for value in self._resolved:
            text = text.replace(value, "***")
        return text

    async def credential(self, name):
        if name not in self.credentials:
            raise TaskError(f"there is no credential {name}", "CredentialNotFound", retryable=False)
        value, hosts = self.credentials[name]
        self._resolved.add(value)
        return Credential(value, tuple(hosts))

    async def resolve(self, value, host):
        return await secrets.resolve(value, host, self.credential)


@pytest.fixture
def context(tmp_path):
    return Context(tmp_path)
