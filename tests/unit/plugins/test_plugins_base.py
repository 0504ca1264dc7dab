from typing import Any

import pytest

from tailrace_crds.language.credentials import Reference, SecretText
from tailrace_plugins import catalogue, secrets
from tailrace_plugins.base import Credential, Model, TaskError, Text

TOKEN = SecretText(["Bearer ", Reference("TOKEN")])


class Sample(Model):
    text: Text
    plain: str
    any_value: Any
    nested: dict[str, Text | int | list[Text]]


def test_only_a_text_field_keeps_a_credential():
    sample = Sample(
        text=TOKEN, plain=TOKEN, any_value={"a": [TOKEN]}, nested={"x": TOKEN, "y": [TOKEN], "z": 3}
    )
    assert isinstance(sample.text, SecretText)
    assert isinstance(sample.any_value["a"][0], SecretText)
    assert isinstance(sample.nested["x"], SecretText)
    assert isinstance(sample.nested["y"][0], SecretText)
    assert type(sample.plain) is str
    assert sample.plain == "Bearer ${TOKEN}"


def source(**known):
    async def credential(name):
        return Credential(*known[name])

    return credential


@pytest.mark.parametrize(
    ("hosts", "host", "refusal"),
    [
        pytest.param(("api.example.com",), "api.example.com:443", None, id="its host"),
        pytest.param(("api.example.com:8443",), "api.example.com:8443", None, id="its host and port"),
        pytest.param((), "anything.example.com:443", None, id="unbound"),
        pytest.param((), None, None, id="unbound, to a script"),
        pytest.param(("api.example.com",), "evil.example.com:443", "may not be sent to", id="another host"),
        pytest.param(
            ("api.example.com:8443",), "api.example.com:443", "may not be sent to", id="another port"
        ),
        pytest.param(("api.example.com",), None, "could send it anywhere", id="bound, to a script"),
    ],
)
async def test_a_credential_goes_only_where_it_may(hosts, host, refusal):
    value = {"headers": {"a": TOKEN, "b": "${TOKEN}"}, "l": [TOKEN, 1]}
    known = source(TOKEN=("s3cret", hosts))
    if refusal is None:
        assert await secrets.resolve(value, host, known) == {
            "headers": {"a": "Bearer s3cret", "b": "${TOKEN}"},
            "l": ["Bearer s3cret", 1],
        }
        return
    with pytest.raises(TaskError, match=refusal) as error:
        await secrets.resolve(value, host, known)
    assert (error.value.reason, error.value.retryable) == ("CredentialRefused", False)
    assert "s3cret" not in error.value.message


def test_a_credential_shows_no_value():
    assert "s3cret" not in repr(Credential("s3cret", ("h",)))


@pytest.mark.parametrize(
    ("id_", "properties", "message"),
    [
        pytest.param("util.log", {}, "properties.message: is required", id="absent"),
        pytest.param(
            "json.query", {"data": 1, "query": 3}, "should be text, not the number 3", id="another type"
        ),
        pytest.param("util.log", {"message": "m", "levle": "x"}, "did you mean level?", id="unknown"),
        pytest.param(
            "http.request", {"url": "x", "json": 1, "body": "b"}, "give one of json and body", id="two bodies"
        ),
        pytest.param(
            "kv.get", {"key": "a/b"}, 'properties.key: "a/b" is not valid here: Letters', id="a pattern"
        ),
    ],
)
def test_properties_that_do_not_fit_once_rendered_name_the_property(id_, properties, message):
    with pytest.raises(TaskError) as error:
        catalogue.get(id_).parse(properties)
    assert message in error.value.message
    assert (error.value.reason, error.value.retryable) == ("InvalidProperties", False)


@pytest.mark.parametrize(
    ("id_", "properties", "field", "expected"),
    [
        pytest.param(
            "util.log", {"message": {"a": [1]}}, "message", '{"a": [1]}', id="an object in a message"
        ),
        pytest.param("http.request", {"url": "x", "headers": {"n": 3}}, "headers", {"n": "3"}, id="a header"),
        pytest.param(
            "container.run", {"image": "i", "args": [1, True]}, "args", ["1", "true"], id="arguments"
        ),
        pytest.param("script.python", {"code": "c", "env": {"A": 2.5}}, "env", {"A": "2.5"}, id="a variable"),
    ],
)
def test_a_template_that_gives_another_value_is_text_where_text_is_wanted(id_, properties, field, expected):
    assert getattr(catalogue.get(id_).parse(properties), field) == expected


def test_literal_and_verbatim_properties_are_not_rendered():
    context = {"inputs": {"x": 1}}
    rendered = catalogue.get("script.python").render(
        {"code": "{{ 1 }} ${A}", "inputs": "{{ inputs }}"}, context
    )
    assert rendered == {"code": "{{ 1 }} ${A}", "inputs": {"x": 1}}
    rendered = catalogue.get("container.run").render(
        {"image": "{{ x }}", "args": ["{{ inputs.x }}"]}, context
    )
    assert rendered == {"image": "{{ x }}", "args": [1]}
