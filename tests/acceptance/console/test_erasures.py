"""Erasures in the console: who sees, asks, confirms and takes back, and that it says what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.erasure import ErasureState
from simulator.state.model import Status
from tests.visitors import ROOT, ask_to_forget, signed_in


def text(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


@pytest.fixture
def asked(connector):
    """A connector, the page of an erasure that root asked for, and its id."""
    erasure_id = ask_to_forget(connector)
    return connector, f"/erasures/{erasure_id}", erasure_id


def state(connector, erasure_id):
    return connector.services.erasures.get(erasure_id).state


def test_an_administrator_asks_and_another_erases_for_good(connector):
    leaver = connector.world.member(status=Status.CLOSED).user
    ann = signed_in(connector, "administrator")
    form = {"person": leaver.user_id, "reason": "Letter 117", "back": "/erasures"}
    page = ann.post("/erasures", page="/erasures", **form).headers["Location"]
    page = page.removeprefix("/console")
    shown = text(ann.get(page))
    assert "Waits for another administrator" in shown and "Erase for good" not in shown
    assert "Letter 117" in shown

    ann.post(f"{page}/confirm", page=page, irreversible="yes", back=page)
    assert "another person has to" in text(ann.get(page))
    bob = signed_in(connector, "administrator", login="bob")
    shown = text(bob.get(page))
    assert "This cannot be undone" in shown and "Erase for good" in shown
    bob.post(f"{page}/confirm", page=page, back=page)
    assert "tick that you know" in text(bob.get(page))
    assert state(connector, page.rpartition("/")[2]) is ErasureState.REQUESTED
    bob.post(f"{page}/confirm", page=page, irreversible="yes", back=page)
    shown = text(bob.get(page))
    assert "Erased, in DocuSign and here." in shown
    assert leaver.user_id not in connector.world.state.users
    assert leaver.email not in shown + text(bob.get("/erasures"))
    assert "Somebody who was erased" in text(bob.get("/erasures"))


@pytest.mark.parametrize("role", ["viewer", "approver", "operator"])
def test_who_is_no_administrator_only_reads(asked, role):
    connector, page, erasure_id = asked
    who = signed_in(connector, role)
    assert "Ask for an erasure" not in text(who.get("/erasures"))
    shown = text(who.get(page))
    assert "Waits for an administrator" in shown
    assert "Erase for good" not in shown and "Take the request back" not in shown
    leaver = connector.world.member(status=Status.CLOSED).user.user_id
    for path, fields in (
        ("/erasures", {"person": leaver, "reason": "x"}),
        (f"{page}/confirm", {"irreversible": "yes"}),
        (f"{page}/withdraw", {}),
    ):
        token = who.token("/absences")
        answer = who.http.post(who.base + path, data={"csrf_token": token, **fields})
        assert answer.status_code == 403, path
    assert state(connector, erasure_id) is ErasureState.REQUESTED


def test_a_request_is_taken_back(asked):
    connector, page, erasure_id = asked
    ann = signed_in(connector, "administrator")
    ann.post(f"{page}/withdraw", page=page, back=page)
    assert "Nothing was erased" in text(ann.get(page))
    assert state(connector, erasure_id) is ErasureState.WITHDRAWN
    assert ann.post(f"{page}/no-such-act", page=page).status_code == 404


def test_what_stands_in_the_way_is_said_where_it_is_asked_for(connector):
    ann = signed_in(connector, "administrator")
    user = connector.world.member().user
    page = f"/users/{user.user_id}"
    assert "Ask for the erasure" not in text(ann.get(page))
    back = f"/erasures?person={user.user_id}"
    ann.post("/erasures", page="/erasures", person=user.user_id, reason="Letter", back=back)
    shown = text(ann.get(back))
    assert "open membership" in shown and f'value="{user.user_id}"' in shown
    leaver = connector.world.member(status=Status.CLOSED).user.user_id
    shown = text(ann.get(f"/users/{leaver}"))
    assert f"/erasures?person={leaver}#ask" in shown


def test_administrators_are_told_that_something_waits(asked):
    connector, page, _ = asked
    entry = 'Erasures <span class="count" title="1 item waiting">1</span>'
    ann = signed_in(connector, "administrator")
    assert entry in text(ann.get("/"))
    ann.post(f"{page}/withdraw", page=page, back=page)
    assert entry not in text(ann.get("/"))
    assert entry not in text(signed_in(connector, "viewer", login="vic").get("/"))


def test_of_many_erasures_a_page_is_shown_and_the_rest_follows(connector):
    service, seen = connector.services.erasures, set()
    for _ in range(51):
        erasure_id = ask_to_forget(connector)
        seen.add(service.withdraw(erasure_id, ROOT).erasure_id)
    ann = signed_in(connector, "viewer")
    first = text(ann.get("/erasures"))
    assert sum(item in first for item in seen) == 50
    last = service.list()[1].erasure_id
    rest = text(ann.get(f"/erasures?after={last}", HX_Lines="true"))
    assert sum(item in rest for item in seen) == 1
    assert "<h1>" not in rest


def test_an_account_that_has_lost_its_address_confirms_nothing(asked):
    connector, page, erasure_id = asked
    ann = signed_in(connector, "administrator")
    with connector.application.store.write("default") as uow:
        uow.console.save_account(replace(uow.console.get_account("ann"), email=""))
        uow.commit()
    assert "no e-mail address" in text(ann.get(page))
    ann.post(f"{page}/confirm", page=page, irreversible="yes", back=page)
    assert state(connector, erasure_id) is ErasureState.REQUESTED
    connector.application.console_accounts.set_email("default", "ann", "a@staff.example", ROOT)
    assert "Erase for good" in text(ann.get(page))
