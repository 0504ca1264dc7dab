"""Values that stay in a Secret of the tenant's: read as the facade itself, where it may."""

import base64
import binascii
from typing import Any

from tailrace_api.core.errors import Unreadable, from_kube
from tailrace_kube.client import Client
from tailrace_kube.errors import Forbidden, KubeError, NotFound
from tailrace_kube.resources import SECRETS


class SecretReader:
    """Reads one key of one Secret; without a tenant's grant it may read none."""

    def __init__(self, client: Client, account: str) -> None:
        self._client = client
        self._account = account
        """The facade's own account, as `<namespace>:<name>`, for the message that says what to grant."""

    async def read(self, namespace: str, reference: dict[str, Any]) -> str:
        """The value under a key; Unreadable says what is missing and how to grant it."""
        name, key = reference["name"], reference["key"]
        try:
            secret = await self._client.get(SECRETS, name, namespace)
        except Forbidden as error:
            raise Unreadable("credential_unreadable", self._grant(namespace, name)) from error
        except NotFound as error:
            message = f"there is no Secret {name} in namespace {namespace}"
            raise Unreadable("credential_unreadable", message) from error
        except KubeError as error:
            raise from_kube(error) from error
        data = secret.get("data") or {}
        if key not in data:
            raise Unreadable("credential_unreadable", f"the Secret {name} has no key {key}")
        try:
            return base64.b64decode(data[key]).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            message = f"the key {key} of the Secret {name} is not text in UTF-8"
            raise Unreadable("credential_unreadable", message) from error

    def _grant(self, namespace: str, name: str) -> str:
        role = f"tailrace-read-{name}"
        return (
            f"the facade may not read the Secret {name} in namespace {namespace}; to allow it: "
            f"kubectl -n {namespace} create role {role} --verb=get --resource=secrets "
            f"--resource-name={name} && "
            f"kubectl -n {namespace} create rolebinding {role} --role={role} --serviceaccount={self._account}"
        )
