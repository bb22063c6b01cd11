"""What clients send as a resource, and what is made of it (RFC 7643 §2)."""

# Tables of cases read best with one case a line.
# ruff: noqa: E501

import pytest

from scim.datetimes import format_datetime, parse_datetime
from scim.errors import InvalidSyntax, InvalidValue, Mutability
from scim.handlers import PatchOperation, Projection
from scim.patch import apply_patch
from scim.projection import Projector, parse_names
from scim.resources import ResourceType, accept_resource
from scim.schemas import ENTERPRISE_USER, ENTITLEMENT, GROUP, USER, Attribute, Schema

ENTERPRISE = ENTERPRISE_USER.id
USERS = ResourceType("User", "/Users", USER, (ENTERPRISE_USER,))
EVERY_TYPE = Schema(
    "urn:test:Thing",
    "Thing",
    "",
    (
        Attribute("count", "integer"),
        Attribute("share", "decimal"),
        Attribute("since", "dateTime"),
        Attribute("photo", "binary"),
        Attribute("tags", multi_valued=True),
        Attribute("once", mutability="immutable"),
    ),
)
PLACE = Schema(
    "urn:test:Place",
    "Place",
    "",
    (
        Attribute(
            "place",
            "complex",
            mutability="immutable",
            sub_attributes=(
                Attribute("value", mutability="immutable"),
                Attribute("display", mutability="readOnly"),
            ),
        ),
    ),
)
PLACES = ResourceType("Place", "/Places", PLACE)
HELD = {"value": "a", "display": "A"}
THINGS = ResourceType("Thing", "/Things", EVERY_TYPE)


@pytest.mark.parametrize(
    ("sent", "accepted"),
    [
        ({"USERNAME": "a"}, {"userName": "a"}),
        ({"Emails": {"VALUE": "a@x"}}, {"emails": [{"value": "a@x"}]}),
        ({"emails": ["a@x"]}, {"emails": [{"value": "a@x"}]}),
        ({"emails": [{"value": "a@x", "primary": "True", "display": None}]}, {"emails": [{"value": "a@x", "primary": True}]}),
        ({"active": "False"}, {"active": False}),
        ({"title": ["Dr"]}, {"title": "Dr"}),
        ({"title": None}, {"title": None}),
        ({"title": ""}, {"title": None}),
        ({"roles": []}, {"roles": []}),
        ({"roles": None}, {"roles": []}),
        ({"name": {"givenName": "A", "x": 1}}, {"name": {"givenName": "A"}}),
        ({"id": "1", "meta": {"a": 1}, "groups": [{"value": "G"}], "schemas": 7}, {}),
        ({"externalID": "e1"}, {"externalId": "e1"}),
        ({ENTERPRISE.lower(): {"DEPARTMENT": "Legal", "manager": "U2"}}, {ENTERPRISE: {"department": "Legal", "manager": {"value": "U2"}}}),
        ({ENTERPRISE: None}, {ENTERPRISE: None}),
    ],
)  # fmt: skip
def test_tolerated(sent, accepted):
    result = accept_resource(USERS, {"userName": "a", **sent} if "USERNAME" not in sent else sent)
    schemas = result.resource.pop("schemas")
    assert result.resource == {"userName": "a", **accepted}
    assert schemas[0] == USER.id
    assert (ENTERPRISE in schemas) == bool(accepted.get(ENTERPRISE))


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"userName": ""}, "userName is required"),
        ({"userName": 5}, "userName must be a string"),
        ({"userName": "a\x07"}, "U+0007"),
        ({"userName": "\ue000"}, "U+E000"),
        ({"active": 1}, "active must be true or false"),
        ({"name": "Ann"}, "name must be an object"),
        ({"title": [1, 2]}, "title must be one value, not a list of 2"),
        ({"title": []}, "title must be one value, not an empty list"),
        ({"name": []}, "name must be one value, not an empty list"),
        ({"name": {"givenName": []}}, "name.givenName must be one value, not an empty list"),
        ({ENTERPRISE: {"manager": []}}, f"{ENTERPRISE}.manager must be one value"),
        ({"emails": [{"value": "a"}, 7]}, "emails[1] must be an object"),
        ({"emails": [{"value": "a"}, {}]}, "emails[1] has no value"),
        ({"emails": [{"mail": "a"}]}, "emails[0] has no value"),
        ({"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]}, "one primary value only"),
        ({"x509Certificates": "not base64"}, "x509Certificates[0].value must be base64"),
        ({ENTERPRISE: {"department": 1}}, f"{ENTERPRISE}.department must be a string"),
        ({ENTERPRISE: 1}, f"{ENTERPRISE} must be an object"),
    ],
)  # fmt: skip
def test_refused(sent, problem):
    with pytest.raises(InvalidValue) as caught:
        accept_resource(USERS, {"userName": "a", **sent})
    assert problem in caught.value.detail


def test_everything_wrong_is_told_at_once():
    with pytest.raises(InvalidValue) as caught:
        accept_resource(
            USERS, {"active": "x", "emails": [{"value": 1}], ENTERPRISE: {"division": 2}}
        )
    for problem in ("userName is required", "active", "emails[0].value", f"{ENTERPRISE}.division"):
        assert problem in caught.value.detail


def test_the_detail_stays_readable():
    with pytest.raises(InvalidValue) as caught:
        accept_resource(USERS, {"userName": "a", "emails": [{"value": 1}] * 1000})
    assert len(caught.value.detail) < 2000
    assert "980 more problems" in caught.value.detail


def test_names_that_differ_in_case_contradict_each_other():
    for sent in ({"title": "a", "TITLE": "b"}, {"name": {"givenName": "a", "givenname": "b"}}):
        with pytest.raises(InvalidSyntax):
            accept_resource(USERS, {"userName": "a", **sent})


def test_unknown_names_are_reported():
    sent = {"userName": "a", "foo": 1, "name": {"bar": 2}, ENTERPRISE: {"baz": 3}, "id": "1"}
    assert accept_resource(USERS, sent).ignored == {"foo", "name.bar", f"{ENTERPRISE}.baz"}


def test_version_in_the_body_is_kept_apart():
    assert (
        accept_resource(USERS, {"userName": "a", "meta": {"version": 'W/"1"'}}).version == 'W/"1"'
    )
    assert accept_resource(USERS, {"userName": "a", "meta": {"version": 1}}).version is None


@pytest.mark.parametrize(
    ("name", "good", "kept", "bad"),
    [
        ("count", 5.0, 5, [5.5, "5", True, 2**70, {}]),
        ("share", 0.5, 0.5, ["0.5", False]),
        (
            "since",
            "2026-11-23T09:15:30.5+01:00",
            "2026-11-23T08:15:30.500Z",
            ["2026-11-23", "x", 1],
        ),
        ("photo", "aGk=", "aGk=", ["%", 1]),
        ("tags", "a", ["a"], [[1], [[]], {"value": "a"}]),
    ],
)
def test_each_type_has_its_values(name, good, kept, bad):
    assert accept_resource(THINGS, {name: good}).resource[name] == kept
    for value in bad:
        with pytest.raises(InvalidValue):
            accept_resource(THINGS, {name: value})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("place", {"value": "a"}),
        ("place", {"VALUE": "a", "display": "Other"}),
        ("place.value", "a"),
        (None, {"place": {"value": "a"}}),
    ],
)
def test_an_immutable_value_may_be_given_again(path, value):
    again = PatchOperation("replace", path, value)
    assert apply_patch({"place": HELD}, [again], PLACE) == {"place": HELD}


@pytest.mark.parametrize(("path", "value"), [("place", {"value": "b"}), ("place.value", "b")])
def test_an_immutable_value_cannot_become_another(path, value):
    with pytest.raises(Mutability):
        apply_patch({"place": HELD}, [PatchOperation("replace", path, value)], PLACE)


def test_an_application_keeps_a_part_of_a_schema():
    kept = USER.only("userName", "NAME.givenname", "emails")
    assert [attribute.name for attribute in kept.attributes] == ["userName", "name", "emails"]
    assert [sub.name for sub in kept.find("name").sub_attributes] == ["givenName"]
    changed = kept.with_attribute("emails.type", canonical_values=("work",))
    assert changed.find("emails").find("type").canonical_values == ("work",)
    assert kept.find("emails").find("type").canonical_values == ("work", "home", "other")
    for unknown in ("nope", "name.nope", "userName.nope"):
        with pytest.raises(ValueError, match="nope"):
            USER.only(unknown)


@pytest.mark.parametrize("schema", [USER, GROUP, ENTERPRISE_USER, ENTITLEMENT])
def test_a_schema_reads_as_it_was_written(schema):
    assert Schema.from_json(schema.to_json()) == schema


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-23T08:15:30Z", "2026-11-23T08:15:30.000Z"),
        ("2026-11-23T09:15:30.1239999999+01:00", "2026-11-23T08:15:30.123Z"),
        ("2026-11-23T08:15:30", "2026-11-23T08:15:30.000Z"),
        ("2026-11-23T24:15:30Z", "2026-11-23T00:15:30.000Z"),
        ("2026-11-23t08:15z", "2026-11-23T08:15:00.000Z"),
    ],
)
def test_times_have_one_form(text, written):
    assert format_datetime(parse_datetime(text)) == written


@pytest.mark.parametrize("text", ["", "2026-11-23", "2026-13-01T00:00:00Z", "2026-11-23T25:00:00Z", "0001-01-01T00:00:00+14:00", "2026-11-23T08:15:30+99:00", "x" * 9999])  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="not a date"):
        parse_datetime(text)


DOCUMENT = {
    "schemas": [USER.id, ENTERPRISE],
    "id": "U1",
    "userName": "a",
    "name": {"givenName": "A", "familyName": "B"},
    "emails": [{"value": "a@x", "type": "work"}, {"type": "home"}],
    ENTERPRISE: {"department": "Legal", "manager": {"value": "U2", "displayName": "Bob"}},
    "meta": {"version": "1", "location": "l"},
}
ALWAYS = {"schemas": DOCUMENT["schemas"], "id": "U1"}


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ("USERNAME", {"userName": "a"}),
        (
            "name.givenname , emails.value",
            {"name": {"givenName": "A"}, "emails": [{"value": "a@x"}]},
        ),
        ("name", {"name": DOCUMENT["name"]}),
        ("name,name.givenName", {"name": DOCUMENT["name"]}),
        (f"{USER.id}:userName", {"userName": "a"}),
        (ENTERPRISE, {ENTERPRISE: DOCUMENT[ENTERPRISE]}),
        (USER.id, {name: DOCUMENT[name] for name in ("userName", "name", "emails")}),
        (
            f"{USER.id.upper()},meta.version",
            {name: DOCUMENT[name] for name in ("userName", "name", "emails")}
            | {"meta": {"version": "1"}},
        ),
        (f"{ENTERPRISE}:department", {ENTERPRISE: {"department": "Legal"}}),
        (f"{ENTERPRISE}:manager.value", {ENTERPRISE: {"manager": {"value": "U2"}}}),
        ("meta.version", {"meta": {"version": "1"}}),
        ("nope,emails.work.primary.value,password", {}),
    ],
)
def test_attributes_select(names, shown):
    projector = Projector(Projection(attributes=parse_names([names])), USERS)
    assert projector.project(DOCUMENT) == ALWAYS | shown


@pytest.mark.parametrize(
    ("names", "hidden"),
    [
        ("id,schemas", {}),
        ("nope,userName.nope", {}),
        ("userName", {"userName"}),
        ("meta,emails,name", {"meta", "emails", "name"}),
        (ENTERPRISE, {ENTERPRISE}),
        (USER.id, {"userName", "name", "emails"}),
        (f"{ENTERPRISE}:department,{ENTERPRISE}:manager", {ENTERPRISE}),
    ],
)
def test_excluded_attributes_hide(names, hidden):
    shown = Projector(Projection(excluded=parse_names([names])), USERS).project(DOCUMENT)
    assert shown == {name: value for name, value in DOCUMENT.items() if name not in hidden}


def test_excluded_sub_attributes_hide_a_part():
    excluded = parse_names(["name.givenName,emails.type"])
    shown = Projector(Projection(excluded=excluded), USERS).project(DOCUMENT)
    assert shown["name"] == {"familyName": "B"}
    assert shown["emails"] == [{"value": "a@x"}]
