"""What filters mean (RFC 7644 §3.4.2.2)."""

import pytest

from scim.errors import InvalidFilter
from scim.evaluate import matches
from scim.filters import parse_filter
from scim.resources import ResourceType
from scim.root_search import narrow
from scim.schemas import ENTERPRISE_USER, ENTITLEMENT, GROUP, USER, Attribute, Schema

ENTERPRISE = ENTERPRISE_USER.id
SCHEMA = USER.plus(Attribute("logins", "integer"), Attribute("share", "decimal"))
ANN = {
    "schemas": [USER.id, ENTERPRISE],
    "id": "U1",
    "externalId": "Ext",
    "userName": "Ann@X.test",
    "name": {"familyName": 'O"Neil'},
    "active": False,
    "logins": 12,
    "share": 0.5,
    "emails": [
        {"value": "ann@work.test", "type": "work", "primary": True},
        {"value": "ann@home.test", "type": "home"},
    ],
    "roles": [],
    "groups": [{"value": "G1"}],
    ENTERPRISE: {"department": "Legal", "manager": {"value": "U2"}},
    "meta": {"lastModified": "2026-11-23T08:15:30.000Z", "resourceType": "User"},
}


def holds(text):
    return matches(parse_filter(text), ANN, SCHEMA, (ENTERPRISE_USER,))


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "ANN@x.TEST"',
        f'{USER.id}:userName sw "ann"',
        'id eq "U1"',
        'externalId eq "Ext"',
        r'name.familyName eq "O\"NEIL"',
        'emails co "@HOME"',
        'emails.type eq "work" and emails.value co "@home"',
        'emails[type eq "work" and value co "@work"]',
        'emails[type eq "work"].value eq "ann@work.test"',
        "emails[primary eq true]",
        'emails[primary eq "True"]',
        "emails pr",
        "name pr",
        "not (roles pr)",
        "not (title pr)",
        'title ne "Dr"',
        "title eq null",
        "userName ne null",
        'emails.value ne "ann@work.test"',
        "active eq false",
        'active eq "False"',
        "logins gt 11 and logins le 12 and logins lt 12.5",
        "share ge 0.5",
        'meta.lastModified gt "2026-11-23T09:15:29+01:00"',
        'meta.lastModified eq "2026-11-23T08:15:30Z"',
        'meta.lastModified gt "2026-11-22T24:15:30Z"',
        'meta.resourceType eq "User"',
        'groups.value eq "G1"',
        'groups eq "G1"',
        f'{ENTERPRISE}:department eq "legal"',
        f'{ENTERPRISE}:manager.value eq "U2"',
        f"{ENTERPRISE} pr",
        f'schemas eq "{ENTERPRISE}"',
        'userName gt "ann"',
        "userName pr or title pr and active eq true",
    ],
)
def test_holds(text):
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        'externalId eq "ext"',
        'id sw "u"',
        'emails[type eq "work" and value co "@home"]',
        "title pr",
        'title eq "Dr"',
        'title gt "a"',
        'title co "a"',
        "roles pr",
        "title ne null",
        'roles[value eq "x"]',
        'meta.lastModified gt "2026-11-23T08:15:30Z"',
        'userName eq "ann"',
        "not (userName pr)",
        "(userName pr or title pr) and active eq true",
    ],
)
def test_does_not_hold(text):
    assert not holds(text)


@pytest.mark.parametrize(
    "text",
    [
        'unknown eq "x"',
        'name.unknown eq "x"',
        'urn:unknown:1.0:X:a eq "x"',
        f'{ENTERPRISE}:unknown eq "x"',
        'emails[unknown eq "x"]',
        'name eq "x"',
        "userName eq 5",
        "userName eq true",
        "active gt true",
        'active eq "maybe"',
        "active co true",
        'logins eq "x"',
        "logins co 1",
        'meta.lastModified gt "yesterday"',
        "meta.lastModified gt 5",
        "title gt null",
        "title co null",
        'password eq "x"',
        "password sw null",
        'title pr or unknown eq "x"',
        'addresses eq "x"',
    ],
)
def test_what_cannot_be_compared_is_refused(text):
    with pytest.raises(InvalidFilter):
        holds(text)


def test_a_wrong_value_is_answered_with_a_right_one():
    with pytest.raises(InvalidFilter, match=r"active has type boolean: .* active eq true"):
        holds('active eq "maybe"')


TYPES = {
    "User": ResourceType("User", "/Users", USER, (ENTERPRISE_USER,)),
    "Group": ResourceType("Group", "/Groups", GROUP),
    "Entitlement": ResourceType("Entitlement", "/Entitlements", ENTITLEMENT),
}


@pytest.mark.parametrize(
    ("text", "resource_type", "left"),
    [
        ('userName eq "a"', "Group", False),
        ('userName ne "a"', "Group", True),
        ("userName eq null", "Group", True),
        ("userName pr", "Group", False),
        ("not (userName pr)", "Group", True),
        ('emails[type eq "work"]', "Group", False),
        ('meta.resourceType eq "Group"', "Group", True),
        ('meta.resourceType eq "User"', "Group", False),
        ('meta.resourceType eq "User" or displayName eq "x"', "Group", 'displayName eq "x"'),
        ('meta.resourceType eq "Group" and displayName eq "x"', "Group", 'displayName eq "x"'),
        ('meta.resourceType eq "User" and displayName eq "x"', "Group", False),
        ('userName pr or display eq "x"', "Entitlement", 'display eq "x"'),
        ('userName pr or title pr', "User", "userName pr or title pr"),
        (f"{ENTERPRISE} pr", "User", f"{ENTERPRISE} pr"),
        (f"{ENTERPRISE} pr", "Group", False),
        ('not (userName pr and title pr)', "User", "not (userName pr and title pr)"),
    ],
)  # fmt: skip
def test_root_filter_is_narrowed_to_a_type(text, resource_type, left):
    expected = parse_filter(left) if isinstance(left, str) else left
    assert narrow(parse_filter(text), TYPES[resource_type]) == expected


def test_a_value_path_reaches_the_elements_of_a_simple_attribute():
    schema = Schema("urn:test", "Test", "", (Attribute("tags", multi_valued=True),))
    for text, expected in (('tags[value eq "B"]', True), ('tags[value eq "c"]', False)):
        assert matches(parse_filter(text), {"tags": ["a", "b"]}, schema) is expected
