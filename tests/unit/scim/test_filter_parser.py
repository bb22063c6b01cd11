"""The filter grammar (RFC 7644 §3.4.2.2)."""

# Tables of cases read best with one case a line.
# ruff: noqa: E501

from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim import filters as filters_module
from scim.errors import InvalidFilter, InvalidPath
from scim.filter_grammar import parse_with_library
from scim.filters import (
    MAX_TERMS,
    And,
    AttributePath,
    Comparison,
    Not,
    Operator,
    Or,
    PatchPath,
    Present,
    ValuePath,
    parse_filter,
    parse_path,
)

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
A, B, C = (Present(AttributePath(name)) for name in "abc")


def equals(path, value, operator=Operator.EQ, sub=None, schema=None):
    return Comparison(AttributePath(path, sub, schema), operator, value)


WORK_VALUE = And(equals("type", "work"), equals("value", "x"))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('userName eq "a"', equals("userName", "a")),
        ('USERNAME Eq "a"', equals("USERNAME", "a")),
        (r'name.familyName co "O\"Neil"', equals("name", 'O"Neil', Operator.CO, "familyName")),
        (r'a eq "\u00e9\\"', equals("a", "é\\")),
        ("a eq -2.5", equals("a", Decimal("-2.5"))),
        ("a gt 12", equals("a", 12, Operator.GT)),
        ("a eq 1e3", equals("a", Decimal(1000))),
        ("a eq True", equals("a", True)),
        ("a ne NULL", equals("a", None, Operator.NE)),
        ("nullable pr", Present(AttributePath("nullable"))),
        ("truely eq false", equals("truely", False)),
        ("a pr or b pr and c pr", Or(A, And(B, C))),
        ("a pr AND b pr Or c pr", Or(And(A, B), C)),
        ("(a pr or b pr) and c pr", And(Or(A, B), C)),
        ("not(a pr)", Not(A)),
        ("NOT (a pr) and b pr", And(Not(A), B)),
        ("not (a pr and b pr)", Not(And(A, B))),
        (f'{ENTERPRISE}:department eq "x"', equals("department", "x", schema=ENTERPRISE)),
        (f'{ENTERPRISE}:manager.value eq "x"', equals("manager", "x", Operator.EQ, "value", ENTERPRISE)),
        ('emails[type eq "work" and value eq "x"]', ValuePath(AttributePath("emails"), WORK_VALUE)),
        ('emails[type eq "work"].value eq "x"', ValuePath(AttributePath("emails"), WORK_VALUE)),
        ('a pr and emails[type eq "work"].value eq "x"', And(A, ValuePath(AttributePath("emails"), WORK_VALUE))),
        ('members.$ref pr', Present(AttributePath("members", "$ref"))),
    ],
)  # fmt: skip
def test_text_becomes_tree(text, tree):
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "userName", "userName eq", "eq eq eq", 'userName xx "a"', 'a eq "x', "a eq 'x'",
        "not a pr", "a pr b pr", "(a pr", "a pr)", "a[b pr", "a[]", "a.b.c pr", "a[b[c pr]]",
        "a[b pr][c pr]", "a.b[c pr]", "a.b[c pr].d pr", "a eq 01", 'a eq "\\x"', 'a eq "\\ud800"', 'a eq "\x00"',
        'a eq "\\u0000"', "a eq 1e99", "a eq " + "9" * 100, "a eq é", "a=b", ";drop", "a eq {}",
        "a pr and", "a[b pr] eq 1 or", "9 eq a", "a" * 9000 + " pr", "(" * 51 + "a pr" + ")" * 51,
        "not(" * 2000, "[" * 60, '"a" eq a',
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    assert caught.value.status == 400
    assert caught.value.detail


def test_long_chains_stay_shallow():
    tree = parse_filter(" or ".join(["a pr"] * MAX_TERMS))
    depth = 0
    while isinstance(tree, Or):
        tree, depth = tree.left, depth + 1
    assert depth <= 7


@pytest.mark.parametrize(
    "text", ["a" * 8000, "a:" * 4000, '"' + "\\" * 8000, "a eq " + "-" * 8000, "not(" * 2000, "a pr and " * 900]
)  # fmt: skip
def test_hostile_text_is_refused(text):
    with pytest.raises(InvalidFilter):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("members", PatchPath(AttributePath("members"))),
        ("name.givenName", PatchPath(AttributePath("name", "givenName"))),
        ('members[value eq "1"]', PatchPath(AttributePath("members"), equals("value", "1"))),
        ('emails[type eq "work"].value', PatchPath(AttributePath("emails", "value"), equals("type", "work"))),
        (f"{ENTERPRISE}:manager.value", PatchPath(AttributePath("manager", "value", ENTERPRISE))),
    ],
)  # fmt: skip
def test_text_becomes_path(text, path):
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text", ["", "a b", "a pr", "a eq 1 or b", "a pr and b", "a[b pr", "a[].b", "a.b.c", "a,b", "(a", "1a", "a[b pr].c.d", "a.b[c pr].d"]
)  # fmt: skip
def test_what_is_no_path_is_refused(text):
    with pytest.raises(InvalidPath):
        parse_path(text)


names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_-]{0,8}", fullmatch=True).filter(
    lambda name: (
        name.lower() not in {*map(str, Operator), "pr", "and", "or", "not", "true", "false", "null"}
    )
)
paths = st.builds(AttributePath, names, st.none() | names, st.none() | st.just(ENTERPRISE))
texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), max_size=10)
literals = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | texts
clauses = st.builds(Comparison, paths, st.sampled_from(Operator), literals) | st.builds(
    Present, paths
)
trees = st.recursive(
    clauses,
    lambda inner: (
        st.builds(And, inner, inner) | st.builds(Or, inner, inner) | st.builds(Not, inner)
    ),
    max_leaves=8,
)
plain = st.builds(AttributePath, names, st.none(), st.none() | st.just(ENTERPRISE))
filters = trees | st.builds(ValuePath, plain, trees)


def write(tree):
    """Print a tree so that it reads as nothing else."""
    match tree:
        case And(left, right) | Or(left, right):
            word = "and" if isinstance(tree, And) else "or"
            return f"({write(left)}) {word} ({write(right)})"
        case Not(operand):
            return f"not ({write(operand)})"
        case Present(path):
            return f"{path} pr"
        case ValuePath(path, inner):
            return f"{path}[{write(inner)}]"
        case Comparison(path, operator, value):
            return f"{path} {operator.value} {orjson.dumps(value).decode()}"


def terms(tree, connective):
    if isinstance(tree, connective):
        return terms(tree.left, connective) + terms(tree.right, connective)
    return [shape(tree)]


def shape(tree):
    """Forget how a chain of and, or of or, is bracketed: the parser balances it."""
    match tree:
        case And() | Or():
            return (type(tree), terms(tree, type(tree)))
        case Not(operand):
            return (Not, shape(operand))
        case ValuePath(path, inner):
            return (path, shape(inner))
    return tree


@given(filters)
def test_a_printed_filter_reads_as_it_was(tree):
    assert shape(parse_filter(write(tree))) == shape(tree)


@given(names, st.none() | names, st.sampled_from(Operator), texts | st.text(max_size=5))
def test_the_short_way_reads_as_the_grammar_does(attribute, sub_attribute, operator, value):
    text = f'{AttributePath(attribute, sub_attribute)} {operator.value} "{value}"'
    short = filters_module._parse_simple(text)
    if short is not None:
        assert short == filters_module._translate(parse_with_library(text))


@given(st.text(max_size=60) | st.text('ab.:[]()"\\ eqprandot019-$', max_size=60))
def test_garbage_is_refused_and_nothing_else_happens(text):
    for parse, refusal in ((parse_filter, InvalidFilter), (parse_path, InvalidPath)):
        try:
            parse(text)
        except refusal as error:
            assert error.detail


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ('emails[type eq "work"', "It ends too early"),
        ("emails[", "It ends too early"),
        ('title eq "x"', "is a filter where an attribute is wanted"),
        ("emails[type eq ]", "Unexpected ']' at position 16 of it."),
        ("name..givenName", "Unexpected '.' at position 5 of it."),
    ],
)
def test_a_wrong_path_is_told_in_words_of_its_own(path, told):
    with pytest.raises(InvalidPath) as caught:
        parse_path(path)
    assert told in caught.value.detail
    assert "'pr'" not in caught.value.detail
    assert "filter." not in caught.value.detail
