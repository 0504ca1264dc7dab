"""Names of resources and Runs."""

import re

import pytest

from tailrace_api.core import names

DNS = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("my-workflow", "my-workflow"),
        ("Shopify → NetSuite Orders", "shopify-netsuite-orders"),
        ("  Ünïcode  ", "unicode"),
        ("→→→", "flow"),
        ("日本語", "flow"),
        ("a" * 300, "a" * 50),
        ("a" * 49 + " - b", "a" * 49),
        ("-._x_.-", "x"),
    ],
)
def test_a_title_becomes_a_name(title: str, slug: str) -> None:
    assert names.slug(title, "flow") == slug
    for candidate in names.candidates(title, "flow"):
        assert DNS.fullmatch(candidate)
        assert len(candidate) <= 63


def test_titles_of_one_slug_have_second_names_of_their_own() -> None:
    first, second = names.candidates("My Flow", "flow"), names.candidates("my flow", "flow")
    assert first[0] == second[0]
    assert first[1] != second[1]
    assert first == names.candidates("My Flow", "flow")


def test_a_cause_gives_one_name() -> None:
    name = names.caused_run("ns", "flow", "request/1")
    assert name == names.caused_run("ns", "flow", "request/1")
    assert re.fullmatch("flow-[0-9a-f]{16}", name)
    others = {("other", "flow", "request/1"), ("ns", "flo", "request/1"), ("ns", "flow", "request/2")}
    assert name not in {names.caused_run(*other) for other in others}


def test_any_other_run_is_drawn() -> None:
    drawn = {names.any_run("flow") for _ in range(100)}
    assert len(drawn) == 100
    assert all(re.fullmatch("flow-[a-z0-9]{10}", name) for name in drawn)


def test_long_flows_have_valid_names() -> None:
    long = "a" * 219 + "." + "b" * 33
    for name in (names.any_run(long), names.caused_run("ns", long, "c")):
        assert DNS.fullmatch(name)
        assert len(name) <= 253


def test_labels_fit() -> None:
    assert names.label("short") == "short"
    long = [names.label("a" * 100), names.label("a" * 101)]
    assert len(set(long)) == 2
    assert all(len(label) <= 63 for label in long)
