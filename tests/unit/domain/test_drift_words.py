"""What findings say of either side reads as people would say it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import Finding, FindingState
from connector.domain.drift.remedies import Remedy
from connector.domain.drift.words import Told, Wording
from connector.domain.naming.names import Names
from connector.settings import AccountSettings
from tests.builders import SENDER, catalogue

AT = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = Names(catalogue("A"), accounts=(AccountSettings("A", "Main"),))
WORDING = Wording(NAMES, {"organization-admin": "Organization Administrator"})


def finding(expected=None, actual=None):
    return Finding(
        finding_id="f",
        drift_key="k",
        kind=DriftKind.CHANGED_ATTRIBUTE,
        subject_kind="User",
        subject_id="u",
        account_id="A",
        entitlement="",
        attribute="",
        remedy=Remedy.REPORT,
        expected=expected or {},
        actual=actual or {},
        state=FindingState.OPEN,
        first_seen_at=AT,
        last_seen_at=AT,
        first_run_id="r",
        last_run_id="r",
    )


@pytest.mark.parametrize(
    ("data", "name", "line"),
    [
        ({"member": True}, "Member of the group", "yes"),
        ({"organization_admin": False}, "Organization administrator", "no"),
        ({"profile": SENDER}, "Permission profile", "SENDER"),
        ({"profile": None}, "Permission profile", "nothing"),
        ({"status": "activation_sent"}, "Status", "invited"),
        ({"groups": []}, "Groups", "none"),
        ({"roles": ["organization-admin"]}, "Roles", "Organization Administrator"),
        ({"since": "2026-03-01T10:00:00+02:00"}, "Since", "2026-03-01 08:00 UTC"),
        ({"company": ""}, "Company", "nothing"),
        ({"email": "ada_lee@acme.test"}, "Address", "ada_lee@acme.test"),
    ],
)
def test_a_field_is_told_by_its_name_and_its_value_by_what_people_call_it(data, name, line):
    if line == "SENDER":
        line = NAMES.catalogue.profiles["A", SENDER].name
    assert WORDING.side(finding(), data) == [Told(name, [line])]


def test_memberships_are_told_account_by_account():
    name = NAMES.catalogue.profiles["A", SENDER].name
    here = {"status": "active", "profile": SENDER, "groups": ["9"]}
    (told,) = WORDING.side(finding(), {"memberships": {"A": here, "B": {"status": "gone"}}})
    assert told.lines == [f"Main: active, profile {name}, groups 9", "B: no longer there"]


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ({"job_title": "Clerk"}, {"job_title": "Boss"}, "job title “Clerk” became “Boss”"),
        ({"company": ""}, {"company": "Acme"}, "company became “Acme”"),
        ({"company": "Acme"}, {"company": ""}, "company “Acme” was taken out"),
        ({"is_admin": False}, {"is_admin": True}, "makes administrators now"),
        ({"is_admin": True}, {"is_admin": False}, "makes no administrators any more"),
    ],
)
def test_a_title_says_what_became_of_what(was, now, words):
    assert WORDING.change(finding(was, now)) == words
