"""PATCH as the RFC writes it and as clients send it (RFC 7644 §3.5.2)."""

# Tables of cases read best with one case a line.
# ruff: noqa: E501

import copy

import pytest

from scim.errors import InvalidPath, InvalidValue, Mutability, NoTarget
from scim.evaluate import element_matches
from scim.handlers import PatchOperation
from scim.patch import apply_patch, member_changes
from scim.schemas import ENTERPRISE_USER, GROUP, USER

ENTERPRISE = ENTERPRISE_USER.id
USER_URN = USER.id
WORK = {"value": "a@x", "type": "work", "primary": True}
HOME = {"value": "h@x", "type": "home"}
ANN = {
    "schemas": [USER_URN],
    "id": "U1",
    "userName": "ann@x",
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "title": "Dr",
    "active": True,
    "emails": [WORK],
    "roles": [{"value": "P1"}],
    "groups": [{"value": "G1"}],
    "meta": {"resourceType": "User"},
}
ABSENT = object()


def op(kind, path=None, value=ABSENT):
    return PatchOperation(kind, path, None if value is ABSENT else value, value is not ABSENT)


def patched(*operations, resource=ANN):
    return apply_patch(resource, operations, USER, (ENTERPRISE_USER,))


@pytest.mark.parametrize(
    ("operation", "attribute", "expected"),
    [
        (op("replace", "active", "False"), "active", False),
        (op("replace", "ACTIVE", False), "active", False),
        (op("add", "nickName", "Lee"), "nickName", "Lee"),
        (op("replace", "title", None), "title", ABSENT),
        (op("replace", "title", ""), "title", ABSENT),
        (op("remove", "title"), "title", ABSENT),
        (op("replace", "title", ["Mr"]), "title", "Mr"),
        (op("replace", "name", {"FAMILYNAME": "Li"}), "name", {"givenName": "Ann", "familyName": "Li"}),
        (op("replace", "name", {"givenName": None}), "name", {"familyName": "Lee"}),
        (op("replace", "name.familyName", "Li"), "name", {"givenName": "Ann", "familyName": "Li"}),
        (op("remove", "name.familyName"), "name", {"givenName": "Ann"}),
        (op("remove", "name"), "name", ABSENT),
        (op("replace", f"{USER_URN}:title", "Mr"), "title", "Mr"),
        # Lists as a whole.
        (op("replace", "emails", [{"value": "n@x"}]), "emails", [{"value": "n@x", "type": "work", "primary": True}]),
        (op("replace", "emails", {"value": "n@x"}), "emails", [{"value": "n@x", "type": "work", "primary": True}]),
        (op("replace", "emails", [HOME]), "emails", [HOME]),
        (op("replace", "emails", []), "emails", ABSENT),
        (op("replace", "emails", None), "emails", ABSENT),
        (op("add", "emails", [WORK]), "emails", [WORK]),
        (op("add", "emails", HOME), "emails", [WORK, HOME]),
        (op("add", "emails", {"value": "b@x", "primary": True}), "emails", [{**WORK, "primary": False}, {"value": "b@x", "primary": True}]),
        (op("add", "roles", "P2"), "roles", [{"value": "P1"}, {"value": "P2"}]),
        (op("add", "roles", ["P2", "P1"]), "roles", [{"value": "P1"}, {"value": "P2"}]),
        (op("replace", "roles.value", [{"value": "P2"}]), "roles", [{"value": "P2"}]),
        (op("replace", "roles.value", "P2"), "roles", [{"value": "P2"}]),
        (op("remove", "roles"), "roles", ABSENT),
        (op("remove", "roles", []), "roles", ABSENT),
        (op("remove", "roles", [{"value": "P1"}]), "roles", ABSENT),
        (op("remove", "roles", [{"value": "P9"}]), "roles", [{"value": "P1"}]),
        (op("remove", "roles", "P1"), "roles", ABSENT),
        # Selected elements.
        (op("remove", 'roles[value eq "P1"]'), "roles", ABSENT),
        (op("remove", 'roles[value eq "P9"]'), "roles", [{"value": "P1"}]),
        (op("replace", 'emails[type eq "work"].value', "n@x"), "emails", [{**WORK, "value": "n@x"}]),
        (op("replace", 'emails[TYPE eq "WORK"].VALUE', "n@x"), "emails", [{**WORK, "value": "n@x"}]),
        (op("replace", 'emails[type eq "work"]', {"value": "n@x"}), "emails", [{**WORK, "value": "n@x"}]),
        (op("add", 'emails[type eq "work"]', {"display": "A"}), "emails", [{**WORK, "display": "A"}]),
        (op("remove", 'emails[type eq "work"].primary'), "emails", [{"value": "a@x", "type": "work"}]),
        (op("remove", 'emails[type eq "work"].value'), "emails", ABSENT),
        (op("add", 'phoneNumbers[type eq "mobile"].value', "+1 555"), "phoneNumbers", [{"type": "mobile", "value": "+1 555"}]),
        (op("replace", 'phoneNumbers[type eq "mobile" and primary eq true].value', "1"), "phoneNumbers", [{"type": "mobile", "primary": True, "value": "1"}]),
        (op("replace", 'roles[primary eq "True"].value', "P2"), "roles", [{"value": "P1"}, {"primary": True, "value": "P2"}]),
        # Extensions.
        (op("replace", f"{ENTERPRISE}:employeeNumber", "12"), ENTERPRISE, {"employeeNumber": "12"}),
        (op("add", f"{ENTERPRISE}:manager", "U2"), ENTERPRISE, {"manager": {"value": "U2"}}),
        (op("add", f"{ENTERPRISE}:manager.value", "U2"), ENTERPRISE, {"manager": {"value": "U2"}}),
        (op("add", ENTERPRISE, {"Department": "Legal"}), ENTERPRISE, {"department": "Legal"}),
        (op("replace", None, {ENTERPRISE.upper(): {"department": "Legal"}}), ENTERPRISE, {"department": "Legal"}),
        (op("replace", None, {f"{ENTERPRISE}:department": "Legal"}), ENTERPRISE, {"department": "Legal"}),
        # Without path.
        (op("replace", None, {"active": False, "unknown": 1}), "active", False),
        (op("replace", None, {"name.givenName": "Lin"}), "name", {"givenName": "Lin", "familyName": "Lee"}),
        (op("replace", None, {'emails[type eq "work"].value': "n@x"}), "emails", [{**WORK, "value": "n@x"}]),
        (op("add", None, {"emails": [HOME]}), "emails", [WORK, HOME]),
        (op("replace", None, {"id": "U1", "title": "Mr"}), "title", "Mr"),
        (op("replace", None, {"groups": [], "meta": {}, "schemas": []}), "groups", [{"value": "G1"}]),
        (op("replace", "id", "U1"), "id", "U1"),
    ],
)  # fmt: skip
def test_operation_changes_attribute(operation, attribute, expected):
    before = copy.deepcopy(ANN)
    result = patched(operation)
    assert result.get(attribute, ABSENT) == expected
    untouched = set(ANN) - {attribute, "title", "schemas"}
    assert {k: result.get(k) for k in untouched} == {k: ANN[k] for k in untouched}
    assert before == ANN


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("remove"), NoTarget),
        (op("replace", "id", "X"), Mutability),
        (op("replace", None, {"id": "X"}), Mutability),
        (op("add", "groups", [{"value": "G2"}]), Mutability),
        (op("remove", "groups"), Mutability),
        (op("remove", "userName"), Mutability),
        (op("replace", "meta.version", "x"), Mutability),
        (op("add", f"{ENTERPRISE}:manager.displayName", "x"), Mutability),
        (op("replace", "userName", None), InvalidValue),
        (op("replace", "title"), InvalidValue),
        (op("replace", None, "x"), InvalidValue),
        (op("replace", "active", "maybe"), InvalidValue),
        (op("replace", "title", {"a": 1}), InvalidValue),
        (op("replace", "title", "a\x00"), InvalidValue),
        (op("replace", "name", "Ann"), InvalidValue),
        (op("add", "emails", [{"mail": "a@x"}]), InvalidValue),
        (op("add", "emails", [{"value": 1}]), InvalidValue),
        (op("replace", "emails", [WORK, {**HOME, "primary": True}]), InvalidValue),
        (op("add", "unknown", 1), InvalidPath),
        (op("add", "name.unknown", "x"), InvalidPath),
        (op("add", "urn:unknown:1.0:X:attr", "x"), InvalidPath),
        (op("add", "title[", "x"), InvalidPath),
        (op("add", 'title[value eq "x"]', "x"), InvalidPath),
        (op("replace", 'roles[value co "x"].display', "x"), NoTarget),
        (op("replace", 'roles[not (type pr) or type pr].display', "x"), None),
    ],
)  # fmt: skip
def test_wrong_operation_is_refused(operation, error):
    if error is None:
        patched(operation)
        return
    with pytest.raises(error) as caught:
        patched(operation)
    assert caught.value.detail.startswith("Operation 1 (")


def test_later_operations_see_earlier_ones():
    result = patched(
        op("add", "emails", HOME), op("remove", 'emails[type eq "work"]'), op("add", "roles", "P2")
    )
    assert result["emails"] == [HOME]


def test_nothing_changes_when_one_operation_fails():
    before = copy.deepcopy(ANN)
    with pytest.raises(InvalidPath, match=r"Operation 2 \(add\)"):
        patched(op("replace", "title", "Mr"), op("add", "nope", 1))
    assert before == ANN


def test_a_path_without_filter_must_not_mean_several_elements():
    with pytest.raises(InvalidPath):
        patched(op("replace", "emails.value", "n@x"), resource={**ANN, "emails": [WORK, HOME]})


def test_a_new_manager_loses_the_old_ones_name():
    old = {**ANN, ENTERPRISE: {"manager": {"value": "U2", "displayName": "Bob", "$ref": "r"}}}
    result = patched(op("replace", f"{ENTERPRISE}:manager", {"value": "U3"}), resource=old)
    assert result[ENTERPRISE] == {"manager": {"value": "U3"}}


def test_schemas_list_the_extensions_that_have_data():
    added = patched(op("add", f"{ENTERPRISE}:department", "Legal"))
    assert added["schemas"] == [USER_URN, ENTERPRISE]
    removed = patched(op("remove", ENTERPRISE), resource=added)
    assert removed["schemas"] == [USER_URN]
    assert ENTERPRISE not in removed


GROUP_OF_TWO = {"id": "G1", "displayName": "Legal", "members": [{"value": "U1"}, {"value": "U2"}]}
MEMBER_CASES = [
    ([op("add", "members", [{"value": "U3"}])], (("U3",), (), None), ["U1", "U2", "U3"]),
    ([op("add", "members", {"VALUE": "U3", "display": "x"})], (("U3",), (), None), ["U1", "U2", "U3"]),
    ([op("add", "Members", ["U3"])], (("U3",), (), None), ["U1", "U2", "U3"]),
    ([op("add", "members", [{"$ref": None, "value": "U1"}])], (("U1",), (), None), ["U1", "U2"]),
    ([op("add", None, {"members": [{"value": "U3"}]})], (("U3",), (), None), ["U1", "U2", "U3"]),
    ([op("remove", 'members[value eq "U1"]')], ((), ("U1",), None), ["U2"]),
    ([op("remove", 'MEMBERS[VALUE EQ "U1" or value eq "U2"]')], ((), ("U1", "U2"), None), []),
    ([op("remove", "members", [{"$ref": None, "value": "U1"}])], ((), ("U1",), None), ["U2"]),
    ([op("remove", "members", {"value": "U9"})], ((), ("U9",), None), ["U1", "U2"]),
    ([op("remove", "members.value", ["U1"])], ((), ("U1",), None), ["U2"]),
    ([op("remove", "members", [])], ((), (), None), ["U1", "U2"]),
    ([op("remove", "members")], ((), (), ()), []),
    ([op("replace", "members", None)], ((), (), ()), []),
    ([op("replace", "members", [{"value": "U2", "display": "b"}])], ((), (), ("U2",)), ["U2"]),
    ([op("replace", None, {"members": ["U2"], "id": "G1"})], ((), (), ("U2",)), ["U2"]),
    ([op("remove", 'members[value eq "U1"]'), op("add", "members", [{"value": "U3"}])], (("U3",), ("U1",), None), ["U2", "U3"]),
    ([op("add", "members", ["U3"]), op("remove", "members", ["U3"])], ((), ("U3",), None), ["U1", "U2"]),
    ([op("remove", "members", ["U1"]), op("add", "members", ["U1"])], (("U1",), (), None), ["U1", "U2"]),
    ([op("replace", "members", ["U5"]), op("add", "members", ["U6"]), op("remove", "members", ["U5"])], ((), (), ("U6",)), ["U6"]),
]  # fmt: skip


@pytest.mark.parametrize(("operations", "delta", "members"), MEMBER_CASES)
def test_member_delta_and_full_patch_agree(operations, delta, members):
    changes = member_changes(operations)
    assert (changes.add, changes.remove, changes.replace) == delta
    whole = apply_patch(GROUP_OF_TWO, operations, GROUP)
    assert sorted(m["value"] for m in whole.get("members", [])) == members


def test_other_attributes_are_left_to_the_handler():
    rename = op("replace", None, {"id": "G1", "displayName": "New", "members": ["U1"]})
    describe = op("replace", "displayName", "Newer")
    changes = member_changes([rename, describe])
    assert changes.replace == ("U1",)
    assert changes.rest == [op("replace", None, {"id": "G1", "displayName": "New"}), describe]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("remove", "members", None), InvalidValue),
        (op("remove", "members", [{"id": "U1"}]), InvalidValue),
        (op("remove", "members", [None]), InvalidValue),
        (op("replace", "members", [{"display": "x"}]), InvalidValue),
        (op("add", "members", 7), InvalidValue),
        (op("add", "members", ["a\x00"]), InvalidValue),
        (op("add", "members"), InvalidValue),
        (op("remove"), NoTarget),
        (op("remove", 'members[display eq "x"]'), InvalidPath),
        (op("remove", 'members[value ne "x"]'), InvalidPath),
        (op("replace", 'members[value eq "U1"].value', "U2"), Mutability),
        (op("remove", 'members[value eq "U1"].display'), Mutability),
        (op("add", 'members[value eq "U1"]', {"value": "U1"}), InvalidPath),
        (op("remove", "members["), InvalidPath),
    ],
)
def test_no_group_is_emptied_by_a_misunderstanding(operation, error):
    with pytest.raises(error):
        member_changes([operation])


ONE_AND_TWO = [{"value": "U1", "display": "Ann"}, {"value": "U2", "display": "Bea"}]


@pytest.mark.parametrize(
    ("operations", "added", "removed", "asked"),
    [
        ([op("remove", 'members[display eq "ann"]')], (), ("U1",), [None]),
        ([op("remove", 'members[value eq "U1" and display pr]')], (), ("U1",), [{"U1"}]),
        ([op("remove", 'members[not (value eq "U1")]')], (), ("U2",), [None]),
        ([op("remove", 'members[value eq "U1" or display eq "bea"]')], (), ("U1", "U2"), [None]),
        ([op("remove", 'members[value eq "U1"].value')], (), ("U1",), []),
        ([op("replace", 'members[value eq "U1"]', {"value": "U3"})], ("U3",), ("U1",), [{"U1"}]),
        ([op("replace", 'members[value eq "U1"]', {"value": "U1"})], ("U1",), (), [{"U1"}]),
        (
            [op("remove", "members", ["U1"]), op("remove", "members[display pr]")],
            (),
            ("U1", "U2"),
            [None],
        ),
    ],
)
def test_a_filter_on_more_than_ids_looks_at_the_members(operations, added, removed, asked):
    attribute, questions = GROUP.find("members"), []
    assert attribute is not None

    def select(filter_, among):
        questions.append(among and set(among))
        return [one["value"] for one in ONE_AND_TWO if element_matches(filter_, one, attribute)]

    changes = member_changes(operations, select)
    assert (changes.add, changes.remove, questions) == (added, removed, asked)


def test_replacing_members_who_are_not_there_has_no_target():
    with pytest.raises(NoTarget):
        member_changes([op("replace", 'members[value eq "U9"]', "U1")], lambda *_: [])


def test_members_put_in_place_before_are_selected_too():
    operations = [op("replace", "members", ["U2"]), op("remove", "members[display pr]")]
    assert member_changes(operations, lambda *_: ["U1", "U2"]).replace == ()
