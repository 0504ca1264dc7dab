import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace_crds.language.yaml_text import MAX_BYTES, load_documents, load_yaml


@pytest.mark.parametrize(
    ("text", "document"),
    [
        pytest.param(
            "a: 1\nb: [x, 2.5, true, null, ~]", {"a": 1, "b": ["x", 2.5, True, None, None]}, id="plain"
        ),
        pytest.param("a: 2026-01-02", {"a": "2026-01-02"}, id="a date stays text"),
        pytest.param("a: 2026-01-02T03:04:05Z", {"a": "2026-01-02T03:04:05Z"}, id="a time stays text"),
        pytest.param("on: 1\n1: 2", {"on": 1, "1": 2}, id="keys are text"),
        pytest.param(
            "a: &x {k: 1}\nb: *x\nc: {<<: *x, j: 2}",
            {"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 1, "j": 2}},
            id="aliases and merges",
        ),
        pytest.param(
            "a: {<<: [{k: 1}, {k: 2, j: 3}]}", {"a": {"k": 1, "j": 3}}, id="the first of several merges"
        ),
        pytest.param('{"a": [1, {"b": "c"}]}', {"a": [1, {"b": "c"}]}, id="JSON is YAML"),
        pytest.param("a: |\n  line\n  line\n", {"a": "line\nline\n"}, id="a block of text"),
        pytest.param(
            "a: 0o17\nb: 1_000\nc: 017", {"a": "0o17", "b": 1000, "c": 15}, id="numbers as YAML 1.1 has them"
        ),
        pytest.param("---\na: 1\n", {"a": 1}, id="a document's start"),
        pytest.param("a: 1e3\nb: -2.5E-1\nc: '1e3'", {"a": 1000.0, "b": -0.25, "c": "1e3"}, id="exponents"),
        pytest.param("a: 12:30\nb: 1:30:45", {"a": "12:30", "b": "1:30:45"}, id="times of day stay text"),
    ],
)
def test_yaml_is_read_as_json(text, document):
    assert load_yaml(text) == (document, [])
    assert load_yaml(text.encode()) == (document, [])
    json.dumps(document)


BILLION = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 10)}]"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: [1", "not YAML: line 2", id="not closed"),
        pytest.param("a: 1\n b: 2", "line 2", id="a wrong indent"),
        pytest.param("\ta: 1", "not YAML", id="a tab"),
        pytest.param("a: 1\na: 2", 'line 2: the key "a" stands there twice', id="a key twice"),
        pytest.param("a: {b: 1, b: 2}", "twice", id="a key twice within"),
        pytest.param(BILLION, "aliases counted at each use", id="an alias bomb of few aliases"),
        pytest.param("a: &x 1\nb: [" + "*x, " * 1001 + "]", "more than 1000 aliases", id="many aliases"),
        pytest.param("a: &x [*x]", "inside of what it names", id="an alias of itself"),
        pytest.param("a: *x", "undefined alias", id="an alias of nothing"),
        pytest.param("[" * 60 + "]" * 60, "deeper than 50", id="too deep"),
        pytest.param("[" * 100000, "deeper than 50", id="far too deep and not closed"),
        pytest.param("a: " + "x" * MAX_BYTES, "at most 1048576", id="too long"),
        pytest.param("a: .inf", "not a number of JSON", id="infinity"),
        pytest.param("a: .nan", "not a number of JSON", id="no number"),
        pytest.param("a: !!binary aGk=", "not JSON", id="bytes"),
        pytest.param("a: !!set {x, y}", "not JSON", id="a set"),
        pytest.param("a: !!python/object/apply:os.system [id]", "not JSON", id="an object of Python"),
        pytest.param("a: !mine 1", "!mine", id="a tag of one's own"),
        pytest.param("? [a]\n: 1", "a key should be text", id="a key that is a list"),
        pytest.param("a: !!int x", "not a value of", id="a tag that lies"),
        pytest.param("{<<: 1}", "<< should name an object", id="a merge of no object"),
        pytest.param("a: 1\n---\nb: 2", "has 2 documents", id="two documents"),
        pytest.param("", "is empty", id="nothing"),
        pytest.param("# only a comment", "is empty", id="a comment"),
        pytest.param(b"a: \xff", "not UTF-8", id="bytes that are no text"),
        pytest.param("a: \ud800", "not UTF-8", id="half of a character"),
        pytest.param("a: \x00", "not YAML", id="a control character"),
    ],
)
def test_what_is_not_let_in_says_why(text, message):
    document, problems = load_yaml(text)
    assert document is None
    assert [message in problem.message for problem in problems] == [True], problems


def test_several_documents_are_read_for_the_command_line():
    assert load_documents("a: 1\n---\n---\nb: 2\n") == ([{"a": 1}, {"b": 2}], [])


@given(st.text(alphabet="ab:-[]{}&*!<>|?#,'\"% \n\t0.~", max_size=60))
def test_any_text_is_read_or_refused(text):
    document, problems = load_yaml(text)
    assert (document is None) or not problems
    json.dumps(document, allow_nan=False)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=10,
    )
)
def test_json_is_read_back(value):
    text = json.dumps(value)
    document, problems = load_yaml(text)
    if problems:
        assert "empty" in problems[0].message or value is None or "not YAML" in problems[0].message
    else:
        assert document == value
