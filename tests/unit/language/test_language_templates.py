import contextlib
import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace_crds.language import templates
from tailrace_crds.language.credentials import SecretText
from tailrace_crds.language.templates import TemplateError

CONTEXT = templates.context(
    {"email": "a@example.com", "inputs": "hidden"},
    inputs={
        "n": 2,
        "f": 1.0,
        "half": 0.5,
        "s": "hi",
        "flag": True,
        "nothing": None,
        "l": [1, 2, 3],
        "o": {"items": [{"price": 4.0}], "keys": "k"},
        "evil": "${TOKEN} {{ vars.secret }}",
    },
    vars={"secret": "v"},
    tasks={"my-task": {"outputs": {"v": 1}}, "a": {"outputs": {}}},
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("plain", "plain", id="text without templates"),
        pytest.param("{{ inputs.n }}", 2, id="a whole number"),
        pytest.param("{{ inputs.f }}", 1.0, id="a float stays one"),
        pytest.param("  {{ inputs.flag }}\n", True, id="white space around one expression"),
        pytest.param("{{ inputs.nothing }}", None, id="null"),
        pytest.param("{{ inputs.o }}", {"items": [{"price": 4.0}], "keys": "k"}, id="an object"),
        pytest.param("{{ inputs.o.items[0].price }}", 4.0, id="a key that is also a method's name"),
        pytest.param("{{ inputs['o']['keys'] }}", "k", id="constant subscripts"),
        pytest.param("{{ tasks['my-task'].outputs.v }}", 1, id="a name with a dash"),
        pytest.param("{{ inputs.l[1:] }}", [2, 3], id="a slice"),
        pytest.param("{{ inputs.l | map('times', 2) | list }}", [2, 4, 6], id="a filter chain"),
        pytest.param("{{ inputs.n > 1 and not inputs.nothing }}", True, id="a condition"),
        pytest.param("{{ inputs.missing | default('x') }}", "x", id="a default"),
        pytest.param("{{ inputs.missing is defined }}", False, id="whether a name is defined"),
        pytest.param("{{ {'a': [inputs.n]} }}", {"a": [2]}, id="an object made in the template"),
        pytest.param("{{ '[1, {\"a\": 2}]' | fromjson }}", [1, {"a": 2}], id="JSON in text"),
        pytest.param("n={{ inputs.n }}", "n=2", id="text keeps text"),
        pytest.param(
            "{{ inputs.o }} {{ inputs.nothing }} {{ inputs.flag }} {{ inputs.l }}",
            '{"items": [{"price": 4.0}], "keys": "k"} null true [1, 2, 3]',
            id="inside of text other values are JSON",
        ),
        pytest.param("{% for i in inputs.l if i > 1 %}{{ i }};{% endfor %}", "2;3;", id="a loop"),
        pytest.param("{% raw %}{{ x }}{% endraw %}", "{{ x }}", id="raw text"),
        pytest.param("a{# b #}c", "ac", id="a comment"),
        pytest.param("{{ email }}", "a@example.com", id="a bare name is the payload's"),
        pytest.param(
            "{{ data.email }} {{ input.email }}", "a@example.com a@example.com", id="the whole payload"
        ),
        pytest.param("{{ inputs.n }}\n", 2, id="a block scalar's line break"),
        pytest.param("line\n", "line\n", id="a line break at the end stays"),
        pytest.param("a {{ inputs.n }}\n", "a 2\n", id="also after a template"),
        pytest.param(
            {"{{ inputs.n }}": ["{{ inputs.n }}", {"k": "{{ inputs.s }}"}], "t": 1},
            {"{{ inputs.n }}": [2, {"k": "hi"}], "t": 1},
            id="recursively, keys left alone",
        ),
    ],
)
def test_a_value_is_rendered(value, expected):
    rendered = templates.render(value, CONTEXT)
    assert rendered == expected
    assert json.dumps(rendered) == json.dumps(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3 - 4 * -5", 27),
        ("12 / 3 * 2", 8),
        ("2 * 3 ** 2", 18),
        ("2 ** 3 * 2", 16),
        ("-2 * 3", -6),
        ("(1 + 2) * (3 + 4)", 21),
        ("[1 * 2, 3 * 4]", [2, 12]),
        ("{'a': 2 * 3}.a", 6),
        ("7 // 2 * 2", 6),
        ("2 * inputs.half | int", 0),
        ("3 * 2 if inputs.n * 1 == 2 else 0 * 1", 6),
        ("inputs.n is not odd and 2 * 3 == 6", True),
        ("0x10 * 2", 32),
        ("'ab' * 2", "abab"),
        ("2 * 'a*b'", "a*ba*b"),
        ("inputs.n * inputs.half * 3", 3),
        ("[1, 2] | map('times', 2 * 2) | sum", 12),
        ("range(2 * 2) | length", 4),
    ],
)
def test_products_bind_as_in_jinja(expression, expected):
    assert templates.render(f"{{{{ {expression} }}}}", CONTEXT) == expected
    assert templates.render(f"<{{{{ {expression} }}}}>", CONTEXT).startswith("<")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{{ inputs.emial }}", r"inputs.emial is undefined", id="a path that ends"),
        pytest.param("{{ inputs.S }}", r"did you mean s\?", id="the nearest name"),
        pytest.param(
            "{{ inputs.l[7] }}", r"inputs.l\[7\] is undefined: inputs.l has 3 items", id="a position"
        ),
        pytest.param("{{ inputs.s.x }}", "inputs.s is text", id="below a text"),
        pytest.param("{{ inputs.nothing.x }}", "inputs.nothing is null", id="below null"),
        pytest.param("{{ tasks.a.outputs.x }}", "tasks.a.outputs is empty", id="below an empty object"),
        pytest.param("{{ nope }}", "nope is undefined", id="a root"),
        pytest.param("{{ nope | upper }}", "nope is undefined", id="a filter of nothing"),
        pytest.param("x {{ inputs.nope }}", "inputs.nope is undefined", id="in text"),
        pytest.param("{{ 'a' if inputs.n == 3 }}", "an if has no else", id="an if that gives nothing"),
        pytest.param("{{ inputs.n", "unexpected end", id="not closed"),
        pytest.param("{{ inputs.s.upper() }}", r"use a filter: \|upper", id="a method"),
        pytest.param("{{ inputs.o.pop('items') }}", "methods cannot be called", id="a method that changes"),
        pytest.param("{{ inputs.o['pop']('items') }}", "cannot be called", id="a method by subscript"),
        pytest.param(
            "{{ inputs.s | uper }}", r"no filter uper; did you mean upper\?", id="an unknown filter"
        ),
        pytest.param("{{ inputs.s is nul }}", "no test nul", id="an unknown test"),
        pytest.param("{{ now() }}", "no function now", id="an unknown function"),
        pytest.param("{{ debug() }}", "no function debug", id="the engine's own functions"),
        pytest.param("{{ inputs.o | attr('keys') }}", "no filter attr", id="attributes by name"),
        pytest.param("{% include '/etc/passwd' %}", "not available", id="files"),
        pytest.param("{% macro f() %}{% endmacro %}", "not available", id="macros"),
        pytest.param("{{ inputs.l * 3 }}", "for numbers, and for text", id="a list repeated"),
        pytest.param("{{ [[1] * 9999] * 99999 }}", "for numbers", id="a list of lists repeated"),
        pytest.param("{{ 'x' * 1000000000 }}", "too many steps", id="a text repeated"),
        pytest.param("{{ '%1000000000d' | format(1) }}", "too many steps", id="a text filled up"),
        pytest.param(
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            "too many steps",
            id="loops in loops",
        ),
        pytest.param("{{ 1 / 0 }}", "unable to calculate", id="a division by zero"),
        pytest.param("{{ 'x' | fromjson }}", "not JSON", id="text that is not JSON"),
        pytest.param("{{ x " + "y" * templates.MAX_TEXT + "}}", "too long", id="a template without end"),
    ],
)
def test_what_cannot_be_rendered_says_why(text, message):
    with pytest.raises(TemplateError, match=message):
        templates.render(text, CONTEXT)


def test_a_message_never_shows_a_value():
    context = templates.context(inputs={"password": "hunter2", "l": ["hunter2"]})
    for text in (
        "{{ inputs.password.x }}",
        "{{ inputs.l[9] }}",
        "{{ inputs.password | int }}",
        "{{ inputs.x }}",
    ):
        with pytest.raises(TemplateError) as error:
            templates.render(text, context)
        assert "hunter2" not in str(error.value)


def test_statements_are_refused_where_expressions_alone_are_rendered():
    assert templates.render_expressions({"a": "{{ inputs.n * 2 }}"}, CONTEXT) == {"a": 4}
    with pytest.raises(TemplateError, match="only expressions"):
        templates.render_expressions("{% set a = [1] %}{{ a }}", CONTEXT)


def test_rendering_changes_nothing_of_its_context():
    before = copy.deepcopy(CONTEXT)
    for text in (
        "{{ inputs.l | sort }}",
        "{{ inputs.o | items | list }}",
        "{% set inputs = 1 %}{{ inputs }}",
    ):
        templates.render(text, CONTEXT)
    assert before == CONTEXT


@pytest.mark.parametrize(
    ("text", "shown", "names"),
    [
        pytest.param("Bearer ${TOKEN}", "Bearer ${TOKEN}", {"TOKEN"}, id="beside text"),
        pytest.param("${A}${B b}", "${A}${B b}", {"A", "B b"}, id="two, one with a space"),
        pytest.param("{{ inputs.s }} ${T} {{ inputs.n }}", "hi ${T} 2", {"T"}, id="between templates"),
        pytest.param("{% if inputs.flag %}${T}{% endif %}", "${T}", {"T"}, id="inside of a statement"),
        pytest.param("{{ '${T}' if inputs.flag else '' }}", "${T}", {"T"}, id="in an expression"),
        pytest.param("$${X} ${T}", "${X} ${T}", {"T"}, id="beside an escaped one"),
        pytest.param("{{ inputs.evil }} ${T}", "${TOKEN} {{ vars.secret }} ${T}", {"T"}, id="data beside it"),
    ],
)
def test_what_the_author_wrote_is_a_credential(text, shown, names):
    rendered = templates.render(text, CONTEXT)
    assert isinstance(rendered, SecretText)
    assert rendered == shown
    assert rendered.names == names


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ inputs.evil }}", id="a whole value"),
        pytest.param("x {{ inputs.evil }}", id="in text"),
        pytest.param("$${TOKEN}", id="escaped"),
        pytest.param("{{ '$${TOKEN}' }}", id="escaped in an expression"),
        pytest.param("{% if not inputs.flag %}${TOKEN}{% endif %}", id="not reached"),
    ],
)
def test_what_data_says_is_never_a_credential(text):
    rendered = templates.render(text, CONTEXT)
    assert type(rendered) is str
    assert "{{ vars.secret }}" in rendered or "evil" not in text


def test_a_mark_of_another_rendering_is_text():
    forged = "\ue00000000000000000000000.0\ue001"
    rendered = templates.render("{{ inputs.x }} ${T}", templates.context(inputs={"x": forged}))
    assert rendered == f"{forged} ${{T}}"
    assert rendered.names == {"T"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("{{ inputs.a.b[0].c }}", {"inputs.a.b[0].c"}, id="attributes and positions"),
        pytest.param("{{ tasks['my-task'].outputs.x }}", {'tasks["my-task"].outputs.x'}, id="a quoted name"),
        pytest.param("{{ a.l[1:] }}", {"a.l"}, id="a slice"),
        pytest.param("{{ tasks[inputs.n].outputs }}", {"tasks", "inputs.n"}, id="a computed subscript"),
        pytest.param("{{ a | join(b.c) }}", {"a", "b.c"}, id="a filter's argument"),
        pytest.param("{{ a | f(key=b) }}", {"a", "b"}, id="a keyword argument"),
        pytest.param("{{ a is divisibleby(b) }}", {"a", "b"}, id="a test and its argument"),
        pytest.param(
            "{% for i in a.b %}{{ i.x }}{{ loop.index }}{% endfor %}", {"a.b"}, id="a loop's variable"
        ),
        pytest.param("{% set x = a.b %}{{ x.y }}", {"a.b"}, id="a variable of its own"),
        pytest.param(
            "{% for a in a.b %}{{ a.c }}{% endfor %}", {"a.b", "a.c"}, id="a variable that hides a root"
        ),
        pytest.param("{{ range(n) }}", {"n"}, id="a function"),
        pytest.param("{{ {'k': a.b}.k }}", {"a.b"}, id="an object made in place"),
        pytest.param("{# x.y #}{% raw %}{{ z }}{% endraw %}", set(), id="comments and raw text"),
        pytest.param("{{ not", set(), id="what cannot be parsed"),
    ],
)
def test_the_names_that_a_template_reads(text, names):
    assert templates.names(text) == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{ inputs.n == 2 }}", True, id="a condition that holds"),
        pytest.param("{{ inputs.n == 3 }}", False, id="one that does not"),
        pytest.param("{{ inputs.nothing }}", False, id="null"),
        pytest.param("{{ inputs.l }}", True, id="a list with items"),
        pytest.param("{{ [] }}", False, id="an empty list"),
        pytest.param("{{ '' }}", False, id="empty text"),
        pytest.param("{{ 0 }}", False, id="zero"),
        pytest.param("false", False, id="the word false"),
        pytest.param("{{ 'No' }}", False, id="the word no"),
        pytest.param("{% if inputs.flag %}yes{% endif %}", True, id="a statement's text"),
        pytest.param("{% if not inputs.flag %}yes{% endif %}", False, id="a statement's empty text"),
    ],
)
def test_whether_a_condition_holds(text, expected):
    assert templates.is_true(text, CONTEXT) is expected


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_a_whole_expression_gives_the_very_value(value):
    assert templates.render("{{ inputs.v }}", {"inputs": {"v": value}}) is value


@given(json_values)
def test_text_holds_a_value_as_json(value):
    if isinstance(value, str):
        return
    rendered = templates.render("<{{ inputs.v }}>", {"inputs": {"v": value}})
    assert json.loads(rendered[1:-1]) == value


PARTS = """__class__ __init__ __globals__ __subclasses__ __mro__ __dict__ _data mro format pop update clear
append inputs tasks o l s . . . ( ) [ ] ' | ~ * 0 attr map range dict"""


@given(st.lists(st.sampled_from(PARTS.split()), max_size=14).map("".join))
def test_no_expression_reaches_python(expression):
    before = copy.deepcopy(CONTEXT)
    try:
        rendered = templates.render(f"{{{{ inputs.{expression} }}}}", CONTEXT)
    except TemplateError:
        rendered = None
    json.dumps(rendered)
    assert before == CONTEXT


@given(st.text(alphabet="{}%#-'\" .a[]()|*$i\\\n", max_size=40))
def test_no_text_breaks_the_parser(text):
    templates.names(text)
    with contextlib.suppress(TemplateError):
        templates.render(text, {"a": 1, "i": [1]})
