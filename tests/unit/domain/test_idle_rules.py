"""Rules for drift and leavers that cover nothing are told, with what is meant; others are not."""

from __future__ import annotations

import pytest

from connector.domain.drift import idle
from connector.domain.drift.difference import DriftKind
from connector.domain.idle_rules import idle_rules
from connector.domain.model import Account, Catalogue, DirectoryGroup, Profile
from connector.domain.policy.entitlement_rules import Policy
from connector.settings import (
    AccountSettings,
    DriftRule,
    DriftSettings,
    LeaverSettings,
    TenantSettings,
)
from mappings import load_entitlements

ACME, OTHER = "a0000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000002"


def told(*, drift=(), leavers=(), unread=False):
    accounts = (AccountSettings(ACME, alias="acme"), *([AccountSettings(OTHER)] if unread else []))
    tenant = TenantSettings(
        accounts=accounts, drift=DriftSettings(policy=tuple(drift)), leavers=tuple(leavers)
    )
    catalogue = Catalogue(
        {ACME: Account(ACME, "Acme Corp")},
        {(ACME, "1"): Profile(ACME, "1", "DocuSign Sender")},
        {(ACME, "7"): DirectoryGroup(ACME, "7", "Legal")},
    )
    return list(idle_rules(Policy(load_entitlements(), {ACME: "acme"}), tenant, catalogue))


@pytest.mark.parametrize(
    "rule",
    [
        DriftRule(),
        DriftRule("native_grant", account="ACME", entitlement="legal", attribute="group"),
        DriftRule("*_grant", account="acme c*", attribute="membership"),
        DriftRule("lost_grant", entitlement="organization-admin", attribute="role"),
        DriftRule("unexpected_organization_admin"),
        DriftRule("changed_attribute", attribute="job_title"),
        DriftRule("changed_entitlement", account=ACME, entitlement="DocuSign*", attribute="name"),
        DriftRule("pending_user", account="acme"),
        *(DriftRule(kind) for kind in DriftKind),
    ],
    ids=repr,
)
def test_a_rule_that_a_finding_can_fit_is_passed_over(rule):
    assert told(drift=[rule]) == []


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (
            DriftRule("nativ_grant"),
            "No class is called 'nativ_grant': did you mean 'native_grant'?",
        ),
        (DriftRule(account="acmee"), "No account is called 'acmee'; did you mean 'acme'?"),
        (DriftRule(account="zzz"), "No account is called 'zzz'."),
        (
            DriftRule(entitlement="*Leagl"),
            "No profile, group or role is called '*Leagl'; did you mean 'Legal'?",
        ),
        (
            DriftRule("changed_attribute", attribute="title"),
            "Its attribute is none of its class: these have company, email, job_title, name.",
        ),
        (DriftRule("dormant_user", attribute="x"), "these have none."),
        (DriftRule("dormant_user", account="acme"), "leave `account` out."),
        (DriftRule("unexpected_organization_admin", account="acme"), "leave `account` out."),
        (
            DriftRule("native_grant", entitlement="Legal", attribute="profile"),
            "Its conditions do not go together: nothing fits all of them.",
        ),
    ],
    ids=repr,
)
def test_a_rule_for_drift_that_fits_nothing_is_told_with_what_is_wrong(rule, why):
    (said,) = told(drift=[DriftRule("gone_entitlement"), rule])
    assert said.startswith("Rule 2 of the tenant 'default' (drift.policy; ")
    assert said.endswith(why)


def test_what_may_concern_an_account_that_was_not_read_is_passed_over():
    assert told(drift=[DriftRule(account="other")], unread=True) == []
    assert told(drift=[DriftRule(entitlement="Finance")], unread=True) == []
    assert told(leavers=[LeaverSettings(profile="Finance")], unread=True) == []
    assert told(leavers=[LeaverSettings(account="other")], unread=True) == []
    assert len(told(drift=[DriftRule("nativ_grant")], unread=True)) == 1
    assert len(told(drift=[DriftRule("dormant_user", account="acme")], unread=True)) == 1
    assert len(told(leavers=[LeaverSettings(profile="Finance", account="acme")], unread=True)) == 1


def test_a_rule_for_leavers_that_no_profile_fits_is_told():
    fitting = [
        LeaverSettings(),
        LeaverSettings(profile="docusign s*"),
        LeaverSettings("1", "acme"),
        LeaverSettings(profile=f"{ACME}.1"),
    ]
    assert told(leavers=fitting) == []
    (said,) = told(leavers=[*fitting, LeaverSettings(profile="DocuSign Sendr")])
    assert said.startswith("Rule 5 of the tenant 'default' (leavers; profile DocuSign Sendr, any")
    assert said.endswith("No profile is called 'DocuSign Sendr'; did you mean 'DocuSign Sender'?")
    (said,) = told(leavers=[LeaverSettings(account="acne")])
    assert said.endswith("No account is called 'acne'; did you mean 'acme'?")


def test_every_class_of_drift_has_its_shapes():
    assert idle._SHAPES.keys() == set(DriftKind)
