import pytest

from tailrace_crds.language import inputs
from tailrace_crds.language.problems import Problem

SCHEMA = {
    "type": "object",
    "required": ["id"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "minLength": 2},
        "count": {"type": "integer", "minimum": 1, "default": 1},
        "size": {"enum": ["s", "m"]},
        "when": {"type": "string", "format": "date"},
        "customer": {"$ref": "#/$defs/customer"},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
    "$defs": {
        "customer": {
            "type": "object",
            "properties": {"email": {"type": "string"}, "country": {"type": "string", "default": "SE"}},
            "additionalProperties": False,
        }
    },
}


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        pytest.param({}, "spec.inputs.id", "is required", id="absent"),
        pytest.param({"id": 3}, "spec.inputs.id", "should be text, not the number 3", id="another type"),
        pytest.param({"id": "x"}, "spec.inputs.id", "at least 2 characters", id="too short"),
        pytest.param({"id": "xx", "count": 0}, "spec.inputs.count", "should be at least 1", id="too small"),
        pytest.param(
            {"id": "xx", "count": "3"}, "spec.inputs.count", "a whole number", id="a number as text"
        ),
        pytest.param(
            {"id": "xx", "size": "l"}, "spec.inputs.size", 'should be one of "s", "m"', id="not listed"
        ),
        pytest.param({"id": "xx", "when": "soon"}, "spec.inputs.when", "a valid date", id="a format"),
        pytest.param({"id": "xx", "cuont": 1}, "spec.inputs.cuont", "did you mean count?", id="unknown"),
        pytest.param(
            {"id": "xx", "customer": {"mail": 1}},
            "spec.inputs.customer.mail",
            "did you mean email?",
            id="nested",
        ),
        pytest.param(
            {"id": "xx", "either": "x"}, "spec.inputs.either", "a whole number or null", id="of alternatives"
        ),
        pytest.param([], "spec.inputs", "should be an object", id="no object"),
    ],
)
def test_what_does_not_fit_says_where_and_what_would(given, path, message):
    problems = inputs.check(SCHEMA, given)
    assert [problem.path for problem in problems] == [path]
    assert message in problems[0].message


def test_what_fits_has_no_problems():
    assert inputs.check(SCHEMA, {"id": "xx", "customer": {"email": "a"}, "either": None}) == []
    assert inputs.check(None, {"anything": 1}) == []


def test_defaults_are_filled_in_at_any_depth_and_the_rest_is_kept():
    given = {"id": "xx", "customer": {"email": "a"}}
    filled = inputs.with_defaults(SCHEMA, given)
    assert filled == {"id": "xx", "count": 1, "customer": {"email": "a", "country": "SE"}}
    assert given == {"id": "xx", "customer": {"email": "a"}}


def test_a_default_is_not_shared_between_runs():
    schema = {"properties": {"l": {"type": "array", "default": []}}}
    inputs.with_defaults(schema, {})["l"].append(1)
    assert inputs.with_defaults(schema, {}) == {"l": []}


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        pytest.param(
            {"type": "string"},
            Problem("spec.inputs.type", 'should be "object": inputs have names'),
            id="no object",
        ),
        pytest.param({"properties": {"a": {"type": "strng"}}}, "strng", id="an unknown type"),
        pytest.param({"properties": {"a": 3}}, "properties.a", id="a property that is no schema"),
        pytest.param({"properties": {"a": {"pattern": "("}}}, "no regular expression", id="a broken pattern"),
        pytest.param(
            {"$ref": "http://example.com/x"}, "only into the schema itself", id="a reference elsewhere"
        ),
        pytest.param({"$ref": "#/nowhere"}, "nowhere", id="a reference to nothing"),
        pytest.param(
            {"properties": {"a": {"type": "integer", "default": "x"}}},
            "the default should be",
            id="a wrong default",
        ),
    ],
)
def test_what_is_no_schema_is_refused(schema, problem):
    found = inputs.check_schema(schema)
    assert len(found) == 1
    assert found[0] == problem if isinstance(problem, Problem) else problem in str(found[0])


def test_a_broken_schema_fails_a_check_and_does_not_raise():
    assert "not valid" in inputs.check({"properties": {"a": 3}}, {})[0].message


def test_a_pattern_that_backtracks_takes_no_time():
    schema = {"properties": {"a": {"pattern": "^(a+)+$"}}}
    assert inputs.check(schema, {"a": "a" * 5000 + "!"})
