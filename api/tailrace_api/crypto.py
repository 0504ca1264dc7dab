"""Encryption of credentials: AES-256-GCM, the key's id in the ciphertext, the identity as associated data.

A ciphertext is `v1.<key id>.<base64url of nonce and sealed value>`. The key id is a fingerprint of the key,
so that a wrong key cannot pass for the right one. docs/credentials.md tells users what follows from this.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = "v1"


class KeyringError(Exception):
    """The keys cannot be used as they are; the message names the file or the key."""


class Undecryptable(Exception):  # noqa: N818 - says what the ciphertext is
    """A ciphertext that these keys do not open; the message says why, and holds nothing secret."""


@dataclass(frozen=True)
class Identity:
    """What a ciphertext belongs to; under another name, type or set of hosts it does not open."""

    namespace: str
    name: str
    type: str
    hosts: Sequence[str]

    def associated_data(self) -> bytes:
        """The identity as bytes; the order of the hosts does not count."""
        return orjson.dumps([VERSION, self.namespace, self.name, self.type, sorted(self.hosts)])


class Keyring:
    """All keys by id; the last encrypts, any decrypts."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise KeyringError("there is no encryption key")
        self._keys = {fingerprint(key): AESGCM(key) for key in keys}
        self.active = fingerprint(keys[-1])

    @property
    def ids(self) -> frozenset[str]:
        """Ids of all keys."""
        return frozenset(self._keys)

    def encrypt(self, value: str, identity: Identity) -> str:
        """Seal a value for this identity under a fresh random nonce."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[self.active].encrypt(nonce, value.encode(), identity.associated_data())
        return f"{VERSION}.{self.active}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, ciphertext: str, identity: Identity) -> str:
        """The value; Undecryptable where the key is missing or the identity is another."""
        version, key_id, sealed = _split(ciphertext)
        if version != VERSION:
            raise Undecryptable(f"ciphertext of an unknown version: {VERSION} is known")
        key = self._keys.get(key_id)
        if key is None:
            raise Undecryptable(
                f"encrypted with the key {key_id}; the facade has only {', '.join(self._keys)}"
            )
        try:
            return key.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], identity.associated_data()
            ).decode()
        except (InvalidTag, ValueError) as error:
            raise Undecryptable(
                "the ciphertext does not belong to this namespace, name, type and hosts: give the value again"
            ) from error


def load(directory: Path) -> Keyring:
    """The keys in a mounted Secret: one a file, 32 bytes raw or in base64; the last by name encrypts.

    File names are compared as people read them: key-10 comes after key-9.
    """
    try:
        files = [path for path in directory.iterdir() if path.is_file() and not path.name.startswith(".")]
    except OSError as error:
        raise KeyringError(f"cannot read the encryption keys in {directory}: {error.strerror}") from error
    if not files:
        raise KeyringError(f"there is no encryption key in {directory}")
    return Keyring([_read(path) for path in sorted(files, key=_natural)])


def fingerprint(key: bytes) -> str:
    """A key's id: 8 bytes of a SHA-256 over it, which tell nothing of the key."""
    return hashlib.sha256(b"tailrace key id\0" + key).hexdigest()[:16]


def _read(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise KeyringError(f"cannot read the encryption key {path}: {error.strerror}") from error
    if len(raw) == KEY_BYTES:
        return raw
    try:
        decoded = base64.b64decode(raw.strip(), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != KEY_BYTES:
        raise KeyringError(f"the encryption key {path} is not {KEY_BYTES} bytes, raw or in base64")
    return decoded


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _split(ciphertext: str) -> tuple[str, str, bytes]:
    parts = ciphertext.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - version, key id, sealed value
        raise Undecryptable("this is not a ciphertext of the facade's: v1.<key id>.<sealed value>")
    try:
        sealed = base64.urlsafe_b64decode(parts[2])
    except (binascii.Error, ValueError) as error:
        raise Undecryptable("the ciphertext is not base64url") from error
    if len(sealed) <= NONCE_BYTES:
        raise Undecryptable("the ciphertext is too short")
    return parts[0], parts[1], sealed
