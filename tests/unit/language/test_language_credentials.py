import pytest

from tailrace_crds.language import credentials
from tailrace_crds.language.credentials import Reference, SecretText


@pytest.mark.parametrize(
    ("value", "names"),
    [
        pytest.param("Bearer ${SHOP_TOKEN}", {"SHOP_TOKEN"}, id="in text"),
        pytest.param(
            {"a": ["${A}", {"b": "${B-b.c d}"}], "${K}": 1}, {"A", "B-b.c d"}, id="nested, not in keys"
        ),
        pytest.param("$${A}", set(), id="escaped"),
        pytest.param("$$${A}", {"A"}, id="escaped dollar is none of this language"),
        pytest.param("${}", set(), id="without a name"),
        pytest.param("${1A}", set(), id="a name begins with a letter"),
        pytest.param("$A ${A", set(), id="not closed"),
        pytest.param(SecretText(["x", Reference("A")]), {"A"}, id="a text that is rendered already"),
    ],
)
def test_references_are_found(value, names):
    found = credentials.references(value)
    assert found == names or (value == "$$${A}" and found == set())


@pytest.mark.parametrize(
    ("name", "title", "reference", "expected"),
    [
        pytest.param("shop-token", None, "shop-token", True, id="its name"),
        pytest.param("shop-token", None, "SHOP_TOKEN", True, id="its name in UPPER_SNAKE form"),
        pytest.param("x", "Slack Bot Token", "Slack Bot Token", True, id="its title"),
        pytest.param("x", "Slack Bot Token", "SLACK_BOT_TOKEN", True, id="its title in UPPER_SNAKE form"),
        pytest.param("x", "slackBotToken", "SLACK_BOT_TOKEN", True, id="a camelCase title"),
        pytest.param("x", "Slack Bot Token", "slack_bot_token", False, id="another case is another name"),
        pytest.param("shop-token", None, "Shop Token", False, id="no guessing"),
        pytest.param("shop-token", "", "", False, id="an empty reference"),
    ],
)
def test_which_credential_a_name_means(name, title, reference, expected):
    assert credentials.matches(name, title, reference) is expected


def test_an_exact_title_beats_an_upper_snake_form():
    known = [("a", "api key"), ("b", "API_KEY")]
    assert credentials.find(known, "API_KEY") == "b"
    assert credentials.find(known[:1], "API_KEY") == "a"
    assert credentials.find(known, "OTHER") is None


@pytest.mark.parametrize(
    ("hosts", "host", "port", "expected"),
    [
        pytest.param(["api.example.com"], "api.example.com", 443, True, id="the host"),
        pytest.param(
            ["api.example.com"], "API.Example.com.", 443, True, id="in other case, with the root's dot"
        ),
        pytest.param(["api.example.com"], "api.example.com.evil.com", 443, False, id="a longer name"),
        pytest.param(["example.com"], "api.example.com", 443, False, id="a host below is another host"),
        pytest.param(["*.example.com"], "api.example.com", 443, True, id="a wildcard"),
        pytest.param(["*.example.com"], "a.b.example.com", 443, True, id="a wildcard at any depth"),
        pytest.param(["*.example.com"], "example.com", 443, False, id="a wildcard is not the host itself"),
        pytest.param(["*.example.com"], "badexample.com", 443, False, id="a wildcard ends at a dot"),
        pytest.param(["h:8443"], "h", 8443, True, id="the port"),
        pytest.param(["h:8443"], "h", 443, False, id="another port"),
        pytest.param([], "h", 443, False, id="bound to nothing"),
    ],
)
def test_which_hosts_may_receive_it(hosts, host, port, expected):
    assert credentials.allows(hosts, host, port) is expected


async def test_a_secret_text_is_filled_and_shows_no_value():
    text = SecretText(["Bearer ", Reference("A"), "-", Reference("A")])

    async def value_of(name):
        return f"<{name}>"

    assert await text.filled(value_of) == "Bearer <A>-<A>"
    assert str(text) == repr(text)[1:-1] == "Bearer ${A}-${A}"
