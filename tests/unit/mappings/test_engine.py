"""SCIM attributes to the fields of a DocuSign person, and back."""

from mappings import CORE_USER, ENTERPRISE_USER, kept_attributes, load_user_mapping
from mappings import to_directory as _to_directory
from mappings import to_scim as _to_scim

MAPPING = load_user_mapping()
ANN = {
    "email": "ann@x.com",
    "user_name": "Ann Lee",
    "first_name": "Ann",
    "middle_name": "",
    "last_name": "Lee",
    "suffix": "",
    "job_title": "Clerk",
}


def to_directory(resource, current=None):
    return _to_directory(resource, MAPPING, current)


def shown(fields=ANN):
    return _to_scim(fields, MAPPING)


def test_what_is_shown_asks_for_no_change():
    assert to_directory(shown(), ANN) == ANN


def test_absent_values_are_left_out():
    assert "honorificSuffix" not in shown()["name"]
    assert "title" not in shown(ANN | {"job_title": ""})


def test_the_address_is_shown_as_the_one_work_address():
    assert shown()["emails"] == [{"value": "ann@x.com", "type": "work", "primary": True}]


def test_the_full_name_is_made_of_the_parts():
    name = {"givenName": "Ann", "middleName": "M.", "familyName": "Lee", "honorificSuffix": "Jr."}
    wanted = to_directory({"userName": "a@x.com", "name": name, "displayName": "Annie"})
    assert wanted["user_name"] == "Ann M. Lee Jr."


def test_the_display_name_stands_in_for_missing_parts():
    assert to_directory({"userName": "a@x.com", "displayName": "Annie"})["user_name"] == "Annie"


def test_the_address_stands_in_for_a_missing_name():
    assert to_directory({"userName": "a@x.com"})["user_name"] == "a@x.com"


def test_a_changed_part_changes_the_full_name():
    resource = shown() | {"name": shown()["name"] | {"familyName": "Roe"}}
    assert to_directory(resource, ANN)["user_name"] == "Ann Roe"


def test_a_changed_formatted_name_counts_when_the_parts_stay():
    resource = shown() | {"name": shown()["name"] | {"formatted": "Dr Ann Lee"}}
    assert to_directory(resource, ANN)["user_name"] == "Dr Ann Lee"


def test_a_full_name_that_differs_from_its_parts_stays():
    doctor = ANN | {"user_name": "Dr Ann Lee"}
    assert to_directory(shown(doctor), doctor)["user_name"] == "Dr Ann Lee"


def test_either_of_user_name_and_emails_changes_the_address():
    by_name = shown() | {"userName": "roe@x.com"}
    by_mail = shown() | {"emails": [{"value": "roe@x.com"}]}
    assert to_directory(by_name, ANN)["email"] == "roe@x.com"
    assert to_directory(by_mail, ANN)["email"] == "roe@x.com"


def test_the_primary_address_counts_before_the_work_address():
    emails = [{"value": "old@x.com", "type": "work"}, {"value": "new@x.com", "primary": True}]
    assert to_directory({"emails": emails})["email"] == "new@x.com"


def test_an_omitted_title_is_cleared_and_an_omitted_name_stays():
    wanted = to_directory({"userName": "ann@x.com"}, ANN)
    assert wanted == ANN | {"job_title": ""}


def kept(resource, current=None, before=None):
    wanted = _to_directory(resource, MAPPING, current)
    return kept_attributes(resource, MAPPING, wanted, current=current, kept_before=before)


def test_the_enterprise_extension_is_kept_as_it_came():
    extension = {"department": "Sales", "manager": {"value": "u2", "displayName": "Bo"}}
    assert kept({ENTERPRISE_USER: extension | {"unknown": 1}}) == {ENTERPRISE_USER: extension}


def test_empty_attributes_are_not_kept():
    assert kept({ENTERPRISE_USER: {"department": "", "manager": {}, "division": None}}) == {}


def test_a_display_name_of_its_own_is_kept():
    resource = {"name": {"givenName": "Ann"}, "displayName": "Annie"}
    assert kept(resource) == {CORE_USER: {"displayName": "Annie"}}


def test_a_display_name_that_repeats_the_old_name_is_not_kept_on_a_rename():
    resource = shown() | {"name": shown()["name"] | {"familyName": "Roe"}}
    assert kept(resource, current=ANN) == {}


def test_a_kept_display_name_outlives_a_rename():
    before = {CORE_USER: {"displayName": "Annie"}}
    resource = shown() | {"displayName": "Annie", "name": {"familyName": "Roe"}}
    assert kept(resource, current=ANN, before=before) == before


def test_a_kept_display_name_renames_nobody():
    before = {CORE_USER: {"displayName": "Annie"}}
    resource = shown() | {"displayName": "Annie", "title": "Counsel"}
    assert _to_directory(resource, MAPPING, ANN, before)["user_name"] == "Ann Lee"
    resource["displayName"] = "Anne"
    assert _to_directory(resource, MAPPING, ANN, before)["user_name"] == "Ann Lee"


def test_a_new_display_name_renames_nobody_whose_name_is_known():
    resource = shown() | {"displayName": "Ann Lee (Legal)"}
    assert to_directory(resource, ANN) == ANN
    assert kept(resource, current=ANN) == {CORE_USER: {"displayName": "Ann Lee (Legal)"}}


def test_a_display_name_alone_renames_and_leaves_the_parts_to_docusign():
    for name in ({"displayName": "Ann Roe"}, {"name": {"formatted": "Ann Roe"}}):
        wanted = to_directory({"userName": "ann@x.com", "title": "Clerk"} | name, ANN)
        assert wanted == ANN | {"user_name": "Ann Roe"}


def test_a_new_address_renames_nobody():
    assert to_directory(shown() | {"userName": "roe@x.com"}, ANN) == ANN | {"email": "roe@x.com"}
    assert to_directory({"userName": "roe@x.com"}, ANN)["user_name"] == "Ann Lee"


def test_a_name_that_is_the_address_follows_it():
    nameless = ANN | {"user_name": "ann@x.com", "first_name": "ann@x.com", "last_name": ""}
    wanted = to_directory(shown(nameless) | {"userName": "roe@x.com"}, nameless)
    assert wanted["user_name"] == "roe@x.com"


def test_a_tenant_may_send_a_kept_attribute_to_docusign():
    mapping = load_user_mapping(
        {"fields": {"company": {"sources": [{"attribute": f"{ENTERPRISE_USER}:organization"}]}}}
    )
    resource = {ENTERPRISE_USER: {"organization": "Acme"}}
    assert _to_directory(resource, mapping)["company"] == "Acme"
    assert _to_scim({"company": "Acme"}, mapping) == {ENTERPRISE_USER: {"organization": "Acme"}}


def test_four_byte_characters_pass_through():
    assert to_directory({"userName": "a@x.com", "displayName": "Ann 🖋"})["user_name"] == "Ann 🖋"
