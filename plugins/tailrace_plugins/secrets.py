"""Credentials put into values at the last moment, for one receiver."""

from collections.abc import Awaitable, Callable
from typing import Any

from tailrace_crds.language.credentials import SecretText, allows
from tailrace_plugins.base import Credential, TaskError

Source = Callable[[str], Awaitable[Credential]]
"""Gives a credential by the name that the flow wrote; TaskError where there is none."""


async def resolve(value: Any, host: str | None, credential: Source) -> Any:
    """A JSON value with every SecretText in it filled in.

    `host` is the receiver, with or without `:port`. None is a receiver that is not known (a script): only
    unbound credentials are given to it. A refusal is a TaskError that is not worth a retry.
    """
    if isinstance(value, SecretText):

        async def value_of(name: str) -> str:
            found = await credential(name)
            _refuse_wrong_host(name, found, host)
            return found.value

        return await value.filled(value_of)
    if isinstance(value, dict):
        return {key: await resolve(item, host, credential) for key, item in value.items()}
    if isinstance(value, list):
        return [await resolve(item, host, credential) for item in value]
    return value


def _refuse_wrong_host(name: str, found: Credential, host: str | None) -> None:
    if found.unbound:
        return
    bound = ", ".join(found.hosts)
    if host is None:
        message = f"credential {name} is bound to {bound}: a script or container could send it anywhere"
        raise TaskError(message, "CredentialRefused", retryable=False)
    bare, _, port = host.partition(":")
    if not allows(found.hosts, bare, int(port) if port else None):
        message = f"credential {name} may not be sent to {host}: its hosts are {bound}"
        raise TaskError(message, "CredentialRefused", retryable=False)
