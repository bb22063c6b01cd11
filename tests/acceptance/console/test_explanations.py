"""The auditor's page: who gave somebody an access, why, and was it checked."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from sqlalchemy import text as sql

from connector.domain.work_items.approvals import Verdict
from tests.visitors import ask_for_approval, guarded, signed_in

PAGE = "/audit/explanation"


def text(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.get_data(as_text=True))))


@pytest.fixture
def given(connect):
    """A connector and somebody to whom an approver gave a profile, with a reason."""
    connector = connect(**guarded())
    user = connector.world.member().user.user_id
    approval = ask_for_approval(connector, user)
    ben = signed_in(connector, "approver", login="ben")
    page = f"/approvals/{approval}"
    checksum = connector.services.approvals.get(approval).item.checksum
    form = {"verdict": str(Verdict.APPROVE), "checksum": checksum, "comment": "Head of office"}
    assert ben.post(f"{page}/decide", page=page, **form).status_code == 303
    item = connector.services.approvals.get(approval).item
    assert item.state.value == "done"
    return connector, user, item.entitlement


def test_one_page_answers_the_auditor(given):
    connector, user, entitlement = given
    zoe = signed_in(connector, "viewer", login="zoe")
    user_page = zoe.get(f"/users/{user}").text
    assert f"user={user}&amp;entitlement={entitlement}" in user_page
    page = zoe.get(f"{PAGE}?user={user}&entitlement={entitlement}")
    told = text(page)
    assert page.status_code == 200
    for word in ("Given", "iga (SCIM client)", "Approved", "ben", "Head of office", "trace token"):
        assert word in told, word
    order = [told.index(part) for part in ("Asked over SCIM", "Why", "Decided", "Done", "Checked")]
    assert order == sorted(order) and told.index("An approval was asked for") < order[1]
    assert "WhyWhoever asked gave no reason." in told
    assert "No check is recorded" not in told and "Given back to everybody" not in told
    assert "Enough approved: free to be carried out" in told
    month = f"{connector.clock.now():%Y-%m}"
    assert "Head of office" in text(
        zoe.get(f"{PAGE}?user={user}&entitlement={entitlement}&month={month}")
    )
    other = text(zoe.get(f"{PAGE}?user={user}&entitlement={entitlement}&month=2001-03"))
    assert "Nothing was given or taken" in other and "in 2001-03" in other


def test_the_proof_is_given_on_request_and_tells_of_tampering(given):
    connector, user, entitlement = given
    zoe = signed_in(connector, "viewer", login="zoe")
    path = f"{PAGE}?user={user}&entitlement={entitlement}"
    assert "Verify that nothing was altered" in text(zoe.get(path))
    assert "none altered." in text(zoe.get(f"{path}&verify=1"))
    engine = connector.application.store.database.engine
    with engine.connect() as connection:
        connection.execute(sql("UPDATE audit_events SET actor = 'user:eve' WHERE sequence = 3"))
        connection.commit()
    assert "At event 3" in text(zoe.get(f"{path}&verify=1"))


def test_what_cannot_be_answered_says_why(given):
    connector, user, _ = given
    zoe = signed_in(connector, "viewer", login="zoe")
    assert zoe.get(PAGE).status_code == 200
    other = connector.create("bea@acme.test")["id"]
    told = text(zoe.get(f"{PAGE}?user={other}"))
    assert "administrator access, to an account by whichever profile or to the organization" in told
    assert "Nowno administrator of an account, as DocuSign was last read. Whether they" in told
    with connector.services.context.write() as uow:
        person = uow.mirror.get_users([other])[other]
        uow.mirror.put_users([replace(person, is_organization_admin=True)], None)
        uow.commit()
    told = text(zoe.get(f"{PAGE}?user={other}"))
    assert "Nowheld, as DocuSign was last read: Organization Administrator." in told
    for query, words in (
        ("user=nobody@x.example", "Nobody on the address"),
        (f"user={user}&entitlement=nothing", "no permission profile, group or role"),
        (f"user={user}&month=March", "is no month"),
        ("user=<script>alert(1)</script>@x", "Nobody on the address"),
    ):
        page = zoe.get(f"{PAGE}?{query}")
        assert page.status_code == 404 and words in text(page), query
        assert "<script>alert" not in page.text
