"""Stored documents: equal facts give equal text, and times move only with the content."""

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from connector.domain.ledger.plans import PlanRecord, PlanState
from connector.domain.ledger.resources import ClientAttributes
from connector.domain.model import GroupType, MembershipStatus, Profile
from connector.domain.work_items.items import Direction
from connector.ports import BASE_URL_MARK
from connector.services.mirror.documents import row_changed, settle_times
from connector.services.mirror.persons import desired_person
from connector.services.mirror.presentation import DOCUSIGN_USER, Presenter
from connector.settings import ProvisioningSettings, ScimSettings, TenantSettings
from mappings import CORE_USER, ENTERPRISE_USER
from tests.unit.services.rendering import (
    ACCOUNTS,
    ACTIVE,
    ANN,
    CATALOGUE,
    CLERKS,
    KEY,
    LATER,
    MAPPING,
    NOW,
    POLICY,
    TIMES,
    VIEWER,
    document,
    presenter,
    render,
    task,
)


def test_a_user_has_the_names_and_the_address():
    shown = document(render())
    assert shown["userName"] == "Ann@x.com"
    assert shown["name"] == {"givenName": "Ann", "familyName": "Lee", "formatted": "Ann Lee"}
    assert shown["displayName"] == "Ann Lee"
    assert shown["emails"] == [{"value": "Ann@x.com", "type": "work", "primary": True}]


def test_keys_are_folded_for_filters():
    row = render()
    keys = (row.name_key, row.display_key, row.given_key, row.family_key)
    assert keys == ("ann@x.com", "ann lee", "ann", "lee")


def test_only_open_memberships_give_groups_and_entitlements():
    shown = document(render())
    assert shown["groups"] == [
        {
            "value": "a1.g7",
            "$ref": f"{BASE_URL_MARK}/Groups/a1.g7",
            "display": "Clerks",
            "type": "direct",
        }
    ]
    assert shown["entitlements"] == [
        {"value": "a1.1", "display": "Viewer", "type": "permissionProfile"}
    ]


def test_the_extension_lists_every_membership():
    memberships = document(render())[DOCUSIGN_USER]["memberships"]
    assert memberships == [
        {
            "account": "a1",
            "accountName": "Acme",
            "status": "active",
            "profile": "a1.1",
            "profileName": "Viewer",
            "isAdmin": False,
            "createdAt": "2026-03-01T12:30:15.123Z",
        },
        {
            "account": "a2",
            "accountName": "Beta",
            "status": "closed",
            "profile": "a2.2",
            "profileName": "Sender",
            "isAdmin": False,
            "closedAt": "2026-03-01T12:30:15.123Z",
        },
    ]


def test_times_are_utc_with_milliseconds():
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    assert document(render(at=berlin))["meta"]["created"] == "2026-03-01T12:30:15.123Z"


@pytest.mark.parametrize("pending_counts", [True, False])
def test_a_pending_membership_counts_by_setting(pending_counts):
    pending = replace(ACTIVE, status=MembershipStatus.ACTIVATION_SENT)
    settings = {"provisioning": ProvisioningSettings(pending_is_active=pending_counts)}
    row = render(replace(ANN, memberships={"a1": pending}), settings=settings)
    assert row.active is pending_counts
    assert document(row)["active"] is pending_counts


def test_a_requested_role_is_pending_and_not_shown_as_held():
    shown = document(render(open_items=[task()]))
    assert "roles" not in shown
    assert shown[DOCUSIGN_USER]["pending"] == [
        {
            "type": "manual_task",
            "workItem": "w1",
            "entitlement": "organization-admin",
            "direction": "grant",
            "since": "2026-03-01T12:30:15.123Z",
            "due": "2026-03-01T13:30:15.123Z",
        }
    ]


def test_a_tenant_may_have_requested_roles_shown():
    settings = {"provisioning": ProvisioningSettings(report="requested")}
    granted = document(render(open_items=[task()], settings=settings))
    held = replace(ANN, is_organization_admin=True)
    revoked = document(render(held, open_items=[task(Direction.REVOKE)], settings=settings))
    assert [role["value"] for role in granted["roles"]] == ["organization-admin"]
    assert "roles" not in revoked


def test_a_confirmed_role_is_shown_with_its_verification():
    admin = replace(ANN, is_organization_admin=True, organization_admin_verified_at=NOW)
    shown = document(render(admin))
    assert shown["roles"] == [
        {
            "value": "organization-admin",
            "display": "Organization Administrator",
            "type": "manualRole",
        }
    ]
    assert shown[DOCUSIGN_USER]["organizationAdmin"] == {
        "value": True,
        "verifiedAt": "2026-03-01T12:30:15.123Z",
    }


def test_a_queued_change_is_pending():
    plan = PlanRecord("p", "User", "u1", "client:x", "scim", "c", PlanState.QUEUED, "", NOW, "join")
    assert document(render(queued=[plan]))[DOCUSIGN_USER]["pending"] == [
        {"type": "queued_change", "since": "2026-03-01T12:30:15.123Z"}
    ]


def test_what_the_client_kept_is_returned_as_it_came():
    kept = {ENTERPRISE_USER: {"department": "Sales"}, CORE_USER: {"displayName": "Annie"}}
    row = render(attributes=ClientAttributes("User", "u1", kept=kept))
    shown = document(row)
    assert shown[ENTERPRISE_USER] == {"department": "Sales"}
    assert shown["displayName"] == "Annie"
    assert shown["schemas"] == [CORE_USER, DOCUSIGN_USER, ENTERPRISE_USER]
    assert row.display_key == "annie"


def test_the_external_id_of_one_client_stands_under_its_name_and_in_the_version():
    row = render(attributes=ClientAttributes("User", "u1", external_ids={"iiq": "e1"}))
    assert row.document.startswith('{"externalId":"e1",'), "where readers of another client cut it"
    assert row.version != render().version


def test_external_ids_of_several_clients_are_told_apart():
    row = render(attributes=ClientAttributes("User", "u1", external_ids={"iiq": "e1", "okta": "o"}))
    assert "externalId" not in document(row)


def test_a_version_cannot_be_computed_without_the_secret():
    attributes = ClientAttributes("User", "u1", external_ids={"iiq": "e1"})
    rows = [
        Presenter(MAPPING, TenantSettings(), POLICY, key).user(
            ANN, CATALOGUE, attributes, created_at=NOW, last_modified_at=NOW
        )
        for key in (KEY, KEY, b"x" * 32)
    ]
    assert rows[0] == rows[1]
    assert rows[0].version != rows[2].version


def test_profiles_and_roles_appear_among_the_groups_by_setting():
    settings = {"scim": ScimSettings(show_as_groups=("profiles", "roles"))}
    shown = document(render(replace(ANN, is_organization_admin=True), settings=settings))
    assert [group["value"] for group in shown["groups"]] == [
        "a1.g7",
        "a1.p1",
        "role.organization-admin",
    ]


def test_a_name_cannot_pass_for_the_base_url():
    name = f"Ann {BASE_URL_MARK}/Users/u2"
    row = render(replace(ANN, user_name=name))
    assert row.document.count(BASE_URL_MARK) == 2, "the group's reference and the location"
    assert document(row)["displayName"] == name


def test_names_of_four_byte_characters_are_unchanged():
    assert document(render(replace(ANN, user_name="Ann 🖋 李")))["displayName"] == "Ann 🖋 李"


def test_the_order_of_facts_does_not_matter():
    turned = replace(ANN, memberships=dict(reversed([*ANN.memberships.items()])))
    assert render(turned) == render()


def test_the_version_does_not_depend_on_the_times():
    assert render(at=LATER).version == render().version
    assert not row_changed(render(), render(at=LATER))


def test_unchanged_content_keeps_its_times():
    settled = settle_times(render(), render(at=LATER), LATER)
    assert settled == render()


def test_changed_content_moves_last_modified_and_not_created():
    new = render(replace(ANN, job_title="Clerk"), at=LATER)
    settled = settle_times(render(), new, LATER)
    assert (settled.created_at, settled.last_modified_at) == (NOW, LATER)
    meta = document(settled)["meta"]
    assert meta["created"] == "2026-03-01T12:30:15.123Z"
    assert meta["lastModified"] == "2026-03-01T13:30:15.123Z"


def test_a_new_resource_is_modified_now():
    settled = settle_times(None, render(), LATER)
    assert (settled.created_at, settled.last_modified_at) == (NOW, LATER)


def test_becoming_visible_is_a_change():
    assert row_changed(render(visible=False), render())


def test_a_group_has_its_account_and_a_version_that_follows_its_members():
    rows = [
        presenter().group(CLERKS, ACCOUNTS["a1"], member_digest=digest, **TIMES)
        for digest in ("1", "2")
    ]
    assert rows[0].document.replace(rows[0].version[3:19], "") == rows[1].document.replace(
        rows[1].version[3:19], ""
    )
    assert rows[0].version != rows[1].version
    assert "members" not in document(rows[0])
    assert rows[0].name_key == "clerks"


@pytest.mark.parametrize(("setting", "visible"), [("hidden", False), ("read_only", True)])
def test_built_in_groups_are_hidden_by_setting(setting, visible):
    everyone = replace(CLERKS, group_type=GroupType.EVERYONE)
    shown = presenter(scim=ScimSettings(builtin_groups=setting))
    assert shown.group(everyone, None, member_digest="", **TIMES).visible is visible


def test_profiles_and_roles_are_groups_only_where_wanted():
    plain, shown = presenter(), presenter(scim=ScimSettings(show_as_groups=("profiles",)))
    role = POLICY.roles["organization-admin"]
    assert not plain.profile_group(VIEWER, None, member_digest="", **TIMES).visible
    assert shown.profile_group(VIEWER, None, member_digest="", **TIMES).scim_id == "a1.p1"
    assert shown.profile_group(VIEWER, None, member_digest="", **TIMES).visible
    assert not shown.role_group(role, member_digest="", **TIMES).visible


def test_the_catalogues_carry_id_name_and_meaning():
    admin = Profile("a1", "9", "Account Administrator", is_admin=True)
    entitlement = document(presenter().entitlement(admin, ACCOUNTS["a1"], **TIMES))
    role = document(presenter().role(POLICY.roles["organization-admin"], **TIMES))
    assert entitlement["id"] == entitlement["value"] == "a1.9"
    meaning = entitlement["urn:ietf:params:scim:schemas:extension:docusign:2.0:Entitlement"]
    assert (meaning["isAdmin"], meaning["risk"]) == (True, "high")
    assert role["id"] == "organization-admin"
    assert role["meta"]["location"] == f"{BASE_URL_MARK}/Roles/organization-admin"


def test_what_is_shown_asks_for_the_same_person():
    person, kept = desired_person(document(render()), MAPPING, current=replace(ANN, company="Acme"))
    assert (person.email, person.user_name, person.company) == ("Ann@x.com", "Ann Lee", "Acme")
    assert kept == {}
