"""Credentials: values that go in and never come out again, but to the Run that may use them."""

from dataclasses import dataclass
from typing import Any

from tailrace_api.cluster.cache import Cache
from tailrace_api.cluster.identity import Caller
from tailrace_api.core.clock import Clock
from tailrace_api.core.errors import Invalid, NotFound, Unreadable, invalid_field
from tailrace_api.core.resources import Resources, checked_title
from tailrace_api.core.secret_refs import SecretReader
from tailrace_api.crypto import Identity, Keyring, Undecryptable
from tailrace_api.store.keys import Keys
from tailrace_crds.credential import CredentialSpec
from tailrace_crds.language import credentials as language
from tailrace_crds.language.problems import Problem

Object = dict[str, Any]

DEFAULT_TYPE = "secret"
MAX_VALUE = 64 * 1024


@dataclass(frozen=True)
class CredentialDraft:
    """A credential as a caller describes it; None: not said."""

    title: str | None = None
    type: str | None = None
    value: str | None = None
    hosts: list[str] | None = None


@dataclass(frozen=True)
class Revealed:
    """A value for the Run that may use it; unbound: it may go to any public host."""

    name: str
    value: str
    hosts: list[str]

    @property
    def unbound(self) -> bool:
        """No hosts are set."""
        return not self.hosts


class Credentials:
    """Creates, changes and resolves credentials."""

    def __init__(
        self,
        resources: Resources,
        cache: Cache,
        keyring: Keyring,
        keys: Keys,
        secrets: SecretReader,
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._cache = cache
        self._keyring = keyring
        self._keys = keys
        self._secrets = secrets
        self._clock = clock

    def all(self, namespace: str | None) -> list[Object]:
        """All, oldest first."""
        return self._resources.all(namespace)

    def get(self, identifier: str) -> Object:
        """One; NotFound."""
        return self._resources.get(identifier)

    async def create(self, caller: Caller, namespace: str, draft: CredentialDraft) -> Object:
        """A new credential, its value encrypted."""
        title = checked_title(draft.title)
        if draft.value is None:
            raise invalid_field("value", "is missing")
        value = _checked(draft.value)
        kind, hosts = draft.type or DEFAULT_TYPE, _hosts(draft.hosts or [])
        await self._keys.remember(self._keyring.active, self._clock())

        def spec(name: str) -> Object:
            sealed = self._keyring.encrypt(value, Identity(namespace, name, kind, hosts))
            return {"title": title, "type": kind, "hosts": hosts, "ciphertext": sealed}

        return await self._resources.create(caller, namespace, title, spec)

    async def update(
        self, caller: Caller, identifier: str, namespace: str | None, draft: CredentialDraft
    ) -> Object:
        """Change a credential; whoever changes its type or hosts must give the value again."""
        current = self.get(identifier)
        if namespace not in {None, current["metadata"]["namespace"]}:
            raise invalid_field("namespace", "cannot be changed: create the credential there anew")
        if draft.title is not None:
            metadata = current["metadata"]
            title = checked_title(draft.title)
            self._resources.refuse_duplicate(metadata["namespace"], title, but=metadata["uid"])
        value = None if draft.value is None else _checked(draft.value)
        hosts = None if draft.hosts is None else _hosts(draft.hosts)
        await self._keys.remember(self._keyring.active, self._clock())

        def change(stored: Object) -> Object:
            return self._changed(stored, draft, value, hosts)

        return await self._resources.modify(caller, identifier, change)

    async def delete(self, caller: Caller, identifier: str) -> None:
        """Remove one; NotFound."""
        await self._resources.delete(caller, identifier)

    async def reveal(self, namespace: str, reference: str) -> Revealed:
        """The value that `${reference}` means in a namespace, for a Run; NotFound, Unreadable."""
        item = self._find(namespace, reference)
        if item is None:
            raise NotFound(
                "credential_not_found", f"there is no credential {reference} in namespace {namespace}"
            )
        spec = item["spec"]
        return Revealed(reference, await self._value(item), list(spec.get("hosts") or []))

    async def check(self, namespace: str, name: str) -> None:
        """Whether a Credential's value can be read, by the resource's own name; NotFound, Unreadable."""
        item = self._cache.get(namespace, name)
        if item is None:
            raise NotFound("credential_not_found", f"there is no Credential {name} in namespace {namespace}")
        await self._value(item)

    def undecryptable(self) -> dict[str, str]:
        """Credentials that the facade's keys do not open, as `namespace/name`, and why."""
        found = {}
        for item in self._cache.items():
            if item["spec"].get("ciphertext"):
                try:
                    self._open(item)
                except Unreadable as error:
                    found[f"{item['metadata']['namespace']}/{item['metadata']['name']}"] = error.message
        return found

    def _changed(
        self, stored: Object, draft: CredentialDraft, value: str | None, hosts: list[str] | None
    ) -> Object:
        spec = dict(stored["spec"])
        kind = draft.type or spec.get("type") or DEFAULT_TYPE
        bound = spec.get("hosts") or []
        hosts = bound if hosts is None else hosts
        rebound = kind != (spec.get("type") or DEFAULT_TYPE) or sorted(hosts) != sorted(bound)
        if value is None and rebound and spec.get("ciphertext"):
            message = "give the value again: it is sealed for the type and hosts that it was given for"
            raise Invalid("value_required", message, [Problem("value", message)])
        spec |= {"type": kind, "hosts": hosts}
        if draft.title is not None:
            spec["title"] = draft.title
        if value is not None:
            metadata = stored["metadata"]
            identity = Identity(metadata["namespace"], metadata["name"], kind, hosts)
            spec["ciphertext"] = self._keyring.encrypt(value, identity)
            spec.pop("secretRef", None)
        return spec

    def _find(self, namespace: str, reference: str) -> Object | None:
        here = {
            item["metadata"]["name"]: item
            for item in self._cache.items()
            if item["metadata"]["namespace"] == namespace
        }
        name = language.find([(name, item["spec"].get("title")) for name, item in here.items()], reference)
        return here[name] if name is not None else None

    async def _value(self, item: Object) -> str:
        spec = item["spec"]
        if spec.get("secretRef"):
            return await self._secrets.read(item["metadata"]["namespace"], spec["secretRef"])
        if spec.get("ciphertext"):
            return self._open(item)
        raise Unreadable("credential_unreadable", "the Credential has neither ciphertext nor secretRef")

    def _open(self, item: Object) -> str:
        metadata, spec = item["metadata"], item["spec"]
        kind, hosts = spec.get("type") or DEFAULT_TYPE, spec.get("hosts") or []
        identity = Identity(metadata["namespace"], metadata["name"], kind, hosts)
        try:
            return self._keyring.decrypt(spec["ciphertext"], identity)
        except Undecryptable as error:
            raise Unreadable("credential_unreadable", str(error)) from error


def _checked(value: str) -> str:
    if not value:
        raise invalid_field("value", "must not be empty")
    if len(value.encode()) > MAX_VALUE:
        raise invalid_field("value", f"must be at most {MAX_VALUE} bytes")
    return value


def _hosts(hosts: list[str]) -> list[str]:
    """Hosts in lower case, each once; Invalid names the one that is not a host."""
    for index, host in enumerate(hosts):
        try:
            CredentialSpec(hosts=[host])
        except ValueError:
            message = "must be a host such as api.example.com, *.example.com or example.com:8443"
            raise invalid_field(f"hosts[{index}]", message) from None
    return list(dict.fromkeys(host.lower() for host in hosts))
