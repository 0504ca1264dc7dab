"""No secret leaves the runner, however a program writes it."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tailrace_runner.redaction import MASK, Redactor

SECRET = 'pä$$/w0rd+"quoted"\\end'


def redactor(*secrets):
    made = Redactor()
    for secret in secrets:
        made.add(secret)
    return made


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(SECRET, id="as it is"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="base64"),
        pytest.param(base64.urlsafe_b64encode(SECRET.encode()).decode(), id="base64 for URLs"),
        pytest.param(base64.b64encode(SECRET.encode()).decode().rstrip("="), id="base64 without padding"),
        pytest.param(quote(SECRET), id="URL-encoded"),
        pytest.param(quote(SECRET, safe=""), id="URL-encoded with its slash"),
        pytest.param(quote_plus(SECRET), id="as a form's field"),
        pytest.param(quote("hunter2/+x", safe="").lower(), id="URL-encoded in lower case"),
        pytest.param(json.dumps(SECRET)[1:-1], id="in JSON"),
        pytest.param(json.dumps(SECRET, ensure_ascii=False)[1:-1], id="in JSON of Unicode"),
        pytest.param(json.dumps(json.dumps({"a": SECRET})), id="in JSON in JSON"),
        pytest.param(SECRET[:8] + "\n" + SECRET[8:], id="over two lines"),
        pytest.param(SECRET[:5] + "\r\n" + SECRET[5:12] + "\r\n" + SECRET[12:], id="over lines of Windows"),
        pytest.param(SECRET[:8] + "\n    " + SECRET[8:], id="wrapped and indented"),
        pytest.param(base64.encodebytes((SECRET * 4).encode()).decode(), id="base64 wrapped at 76"),
    ],
)
def test_forms(form):
    found = redactor(SECRET, SECRET * 4, "hunter2/+x").text(f"before {form} after")
    assert found.startswith("before ")
    assert found.endswith(" after")
    assert MASK in found
    for piece in (SECRET[:8], SECRET[-8:], base64.b64encode(SECRET.encode()).decode()[:12]):
        assert piece not in found


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:", "user:x"])
@pytest.mark.parametrize("after", ["", "!", "ab"])
def test_base64_of_text_around_it(before, after):
    """As in `Authorization: Basic base64(user:password)`: the value lies at any of three offsets."""
    encoded = base64.b64encode(f"{before}hunter2-hunter2{after}".encode()).decode()
    found = redactor("hunter2-hunter2").text(encoded)
    readable = found.replace(MASK, "")
    assert MASK in found
    assert len(readable) <= len(encoded) - 16


def test_each_line_of_a_value_of_many():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"
    made = redactor(key)
    assert made.text("hkiG9w0BAQEFAASC") == MASK
    assert made.text(key) == f"{MASK}\n" or made.text(key) == MASK
    assert made.text(f"key: {key.strip()}") == f"key: {MASK}"


def test_white_space_around_a_value_does_not_save_it():
    assert redactor("  hunter2\n").text("x hunter2 y") == f"x {MASK} y"


def test_a_secret_within_a_longer_one():
    made = redactor("hunter2", "hunter2-and-more")
    assert made.text("hunter2-and-more, hunter2") == f"{MASK}, {MASK}"


@pytest.mark.parametrize("short", ["", "1", "abc"])
def test_short_values_are_left_alone(short):
    assert redactor(short).text("abc 1 def") == "abc 1 def"


def test_values():
    made = redactor("hunter2", "12345678")
    value = {"hunter2": ["xhunter2", 12345678, 1.5, True, None, {"n": 123456789}], "n": 1}
    assert made.value(value) == {MASK: [f"x{MASK}", MASK, 1.5, True, None, {"n": MASK}], "n": 1}


def test_nothing_is_copied_without_secrets():
    value = {"a": [1]}
    assert Redactor().value(value) is value


@given(
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=40),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
@example(secret="****", before="", after="")
@example(secret="a b\nc d", before="x", after="y")
def test_a_secret_never_comes_through(secret, before, after):
    if len(secret.strip()) < 4:
        return
    made = redactor(secret)
    for form in (secret, json.dumps(secret), quote(secret)):
        found = made.text(f"{before}{form}{after}")
        assert secret not in found or secret in MASK * 99 or secret in before + MASK + after
