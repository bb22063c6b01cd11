"""PATCH requests of a grammar do what a slow oracle says, whatever they are (RFC 7644 §3.5.2)."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from scim.bodies import parse_patch
from scim.errors import ScimError
from scim.patch import apply_patch
from scim.schemas import ENTERPRISE_USER, USER
from tests.unit.scim import patch_oracle as oracle

CASES = 1500
"""Requests drawn for each of the two tests."""

LISTS = st.lists(oracle.ELEMENTS, max_size=3).filter(
    lambda elements: sum(e.get("primary") is True for e in elements) < 2
)
DOCUMENTS = st.fixed_dictionaries(
    {"id": st.just("U1"), "userName": st.just("ann@x.test"), "active": st.just(True)},
    optional={
        "title": oracle.TEXTS,
        "externalId": oracle.TEXTS,
        "name": st.fixed_dictionaries({"givenName": oracle.TEXTS}),
        "phoneNumbers": LISTS.filter(bool),
        "ims": LISTS.filter(bool),
        oracle.ENTERPRISE: st.fixed_dictionaries({"department": oracle.TEXTS}),
    },
)


def outcome(document, operations, creates):
    """Return what the operations make of a document, or the scimType of their refusal."""
    parsed = parse_patch({"Operations": [one.sent for one in operations]}, 100)
    try:
        after = apply_patch(document, parsed, USER, (ENTERPRISE_USER,), value_path_create=creates)
    except ScimError as error:
        return error.scim_type
    after.pop("schemas", None)
    return after


def wanted(document, operations):
    try:
        return oracle.expected(document, operations)
    except oracle.RefusedError as refusal:
        return refusal.args[0]


def check(document, operations, creates):
    before = copy.deepcopy(document)
    assert outcome(document, operations, creates) == wanted(document, operations)
    assert document == before


@settings(max_examples=CASES)
@given(DOCUMENTS, oracle.operations(creates=False))
def test_a_patch_does_what_the_oracle_says(document, operations):
    check(document, operations, creates=False)


@settings(max_examples=CASES)
@given(DOCUMENTS, oracle.operations(creates=True))
def test_a_patch_of_a_tolerated_client_does_what_the_oracle_says(document, operations):
    check(document, operations, creates=True)
