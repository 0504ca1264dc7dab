"""Encryption of credentials."""

import base64
from pathlib import Path

import pytest

from tailrace_api import crypto
from tailrace_api.crypto import Identity, Keyring, KeyringError, Undecryptable

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
MINE = Identity("ns", "name", "secret", ["b.example", "a.example"])


def test_what_is_sealed_opens_again() -> None:
    keyring = Keyring([KEY])
    sealed = keyring.encrypt("välue", MINE)
    assert keyring.decrypt(sealed, MINE) == "välue"
    assert "välue" not in sealed
    assert sealed.startswith(f"v1.{keyring.active}.")


def test_the_same_value_is_sealed_anew_each_time() -> None:
    keyring = Keyring([KEY])
    assert len({keyring.encrypt("x", MINE) for _ in range(50)}) == 50


def test_the_order_of_hosts_does_not_count() -> None:
    keyring = Keyring([KEY])
    turned = Identity("ns", "name", "secret", ["a.example", "b.example"])
    assert keyring.decrypt(keyring.encrypt("x", MINE), turned) == "x"


@pytest.mark.parametrize(
    "other",
    [
        Identity("other", "name", "secret", MINE.hosts),
        Identity("ns", "other", "secret", MINE.hosts),
        Identity("ns", "name", "other", MINE.hosts),
        Identity("ns", "name", "secret", ["a.example"]),
        Identity("ns", "name", "secret", []),
        Identity("ns", "name", "secret", [*MINE.hosts, "evil.example"]),
        Identity("n", "sname", "secret", MINE.hosts),
    ],
    ids=["namespace", "name", "type", "fewer hosts", "no hosts", "more hosts", "shifted"],
)
def test_under_another_identity_it_does_not_open(other: Identity) -> None:
    keyring = Keyring([KEY])
    with pytest.raises(Undecryptable, match="give the value again"):
        keyring.decrypt(keyring.encrypt("x", MINE), other)


def test_a_changed_ciphertext_does_not_open() -> None:
    keyring = Keyring([KEY])
    head, _, sealed = keyring.encrypt("value", MINE).rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(sealed))
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(Undecryptable):
            keyring.decrypt(f"{head}.{base64.urlsafe_b64encode(changed).decode()}", MINE)


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c.d", "v1.k.!!", "v1.k.AAAA", "v2.k." + "A" * 80])
def test_what_is_no_ciphertext_is_told(text: str) -> None:
    with pytest.raises(Undecryptable):
        Keyring([KEY]).decrypt(text, MINE)


def test_a_missing_key_is_named() -> None:
    sealed = Keyring([KEY]).encrypt("x", MINE)
    with pytest.raises(Undecryptable, match=crypto.fingerprint(KEY)):
        Keyring([OTHER]).decrypt(sealed, MINE)


def test_the_last_key_encrypts_and_all_decrypt() -> None:
    old = Keyring([KEY]).encrypt("x", MINE)
    both = Keyring([KEY, OTHER])
    assert both.active == crypto.fingerprint(OTHER)
    assert both.decrypt(old, MINE) == "x"
    assert both.ids == {crypto.fingerprint(KEY), crypto.fingerprint(OTHER)}


def test_keys_are_files_in_natural_order(tmp_path: Path) -> None:
    (tmp_path / "key-9").write_bytes(KEY)
    (tmp_path / "key-10").write_text(base64.b64encode(OTHER).decode() + "\n")
    (tmp_path / "..data").mkdir()
    (tmp_path / ".hidden").write_text("not a key")
    assert crypto.load(tmp_path).active == crypto.fingerprint(OTHER)


@pytest.mark.parametrize(
    "content", [b"", b"short", b"x" * 33, base64.b64encode(b"x" * 31), bytes(range(200, 231))]
)
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(KeyringError, match="bad"):
        crypto.load(tmp_path)


def test_without_keys_there_is_no_keyring(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match=str(tmp_path)):
        crypto.load(tmp_path)
    with pytest.raises(KeyringError, match="nowhere"):
        crypto.load(tmp_path / "nowhere")
