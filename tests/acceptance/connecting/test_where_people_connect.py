"""Connecting by sign-in in the console and over the API: accounts, buttons, the doctor."""

from __future__ import annotations

import pytest

from tests.acceptance.connecting.site import (
    CALLBACK,
    HOUR,
    ok_text,
    titled,
)
from tests.programs import problem, program
from tests.visitors import Visitor, add_account, visitor


@pytest.fixture
def ann(site):
    add_account(site, "ann", "administrator")
    person = visitor(type("C", (), {"http": site.http, "application": site.application})())
    person.sign_in("ann")
    return person


def test_the_button_in_the_console_leads_out_of_every_frame(site, ann: Visitor):
    page = ann.get("/connection")
    assert "Connect DocuSign" in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    shown = ann.post("/connection/connect", page="/connection").text
    assert 'target="_top"' in shown


def test_a_program_makes_the_link_over_the_api(site):
    robot = program(site, "administrator")
    made = robot.post("/consent/connect")
    assert (made.status_code, "impersonation" in made.json["scopes"]) == (200, False)
    assert made.json["redirect_uri"] == CALLBACK
    assert titled(site.sign_in(made.json["url"])) == "Connected"
    assert site.grant().connected_by == "user:robot"


def test_a_tenant_that_is_impersonated_has_no_link_to_sign_in(sites):
    answer = program(sites(grant="jwt"), "administrator").post("/consent/connect")
    assert "by impersonation" in problem(answer, 422, "invalid")


def test_one_of_several_accounts_is_chosen(site, ann: Visitor, world):
    site.sign_in()
    page = ann.get("/connection").text
    assert all(account.name in page for account in world.accounts)
    other = world.accounts[1].account_id
    ann.post("/connection/account", page="/connection", account_id=other)
    assert site.grant().account_id == other
    ann.post("/connection/account", page="/connection", account_id="")
    assert site.grant().account_id is None
    refused = ann.post("/connection/account", page="/connection", account_id="not-theirs")
    assert refused.status_code == 404


def test_the_doctor_looks_at_the_connection_instead_of_the_key(site, clock):
    def problems():
        found = site.services.doctor.examine().findings
        return [item.problem.code for item in found if item.problem]

    assert problems() == ["grant_missing"]
    site.sign_in()
    assert problems() == []
    clock.advance(31 * 24 * HOUR)
    assert problems() == ["grant_expired"]


def test_a_connection_by_impersonation_has_no_button(connector):
    add_account(connector, "ann", "administrator")
    ann = visitor(connector)
    ann.sign_in("ann")
    assert "Connect DocuSign" not in ok_text(ann.get("/connection"))
