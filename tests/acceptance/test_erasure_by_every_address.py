"""Whose address changed is forgotten by every address that they had, and people see by which."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from connector.cli.audit_words import describe
from connector.cli.erase import goes_by
from connector.domain.audit.events import AuditFilter
from connector.domain.erasure import ErasureState
from connector.errors import InvalidRequestError
from connector.services.context import person
from simulator.faults import Fault
from simulator.state.users import NewMember, join
from tests.acceptance.scim.people import op
from tests.acceptance.test_erasure import ANN, BOB, JOB, OPERATOR, everything
from tests.approvals import administrator
from tests.connector import ENTERPRISE, connected, ok, refused
from tests.databases import ON_BOTH
from tests.programs import program
from tests.simulated import simulated
from tests.visitors import add_account, signed_in, visitor

BEFORE = "ada.byron@northwind-freight.example"
AFTER = "ada.lovelace@northwind-freight.example"
DAY_AND_MORE = timedelta(hours=25).total_seconds()

pytestmark = ON_BOTH


@pytest.fixture
def connector(database):
    with closing(connected(database, world=simulated(20))) as running:
        yield running


def rename(connector, user_id, address=AFTER):
    state = connector.world.state
    state.readdress(state.user(user_id), address)
    connector.sync()


def leave(connector, user_id):
    connector.delete(f"/Users/{user_id}")
    connector.clock.advance(DAY_AND_MORE)


def forget(connector, named):
    erasures = connector.services.erasures
    return erasures.confirm(erasures.request(named, "letter 7", ANN).erasure_id, BOB)


def test_nothing_is_left_that_names_an_earlier_address(connector):
    ada = connector.create(BEFORE)["id"]
    # A refusal is about nobody, and names the address alone.
    refused(connector.post("/Users", {"userName": BEFORE}), 409, "uniqueness")
    aby = person("aby", source="console", correlation_id="c", roles=OPERATOR, email=BEFORE)
    add_account(connector, "aby", "operator")
    accounts = connector.application.console_accounts
    accounts.set_email("default", "aby", BEFORE, administrator())
    connector.services.delegations.begin(
        aby, "vic", connector.clock.now(), connector.clock.now() + timedelta(days=9)
    )
    rename(connector, ada)
    leave(connector, ada)
    with pytest.raises(InvalidRequestError, match="account 'aby' of the console"):
        forget(connector, AFTER)
    accounts.disable("default", "aby", administrator())
    assert forget(connector, AFTER).state is ErasureState.DONE
    left = everything(connector).lower()
    for trace in (BEFORE, AFTER, "'aby'", "user:aby"):
        assert trace not in left
    assert connector.services.audit.verify().broken is None


def test_an_account_that_had_the_address_is_theirs(connector):
    ada = connector.create(BEFORE)["id"]
    add_account(connector, "aby", "operator")
    accounts, root = connector.application.console_accounts, administrator()
    accounts.set_email("default", "aby", BEFORE, root)
    accounts.set_email("default", "aby", "aby.byron@staff.example", root)
    leave(connector, ada)
    with pytest.raises(InvalidRequestError, match="account 'aby' of the console"):
        forget(connector, BEFORE)
    accounts.disable("default", "aby", root)
    assert forget(connector, BEFORE).state is ErasureState.DONE
    left = everything(connector).lower()
    for trace in (BEFORE, "aby.byron", "'aby'", '"aby"'):
        assert trace not in left


def test_an_earlier_address_finds_the_person(connector):
    ada = connector.create(BEFORE)["id"]
    rename(connector, ada)
    leave(connector, ada)
    assert connector.services.erasures.request(BEFORE, "letter 7", ANN).subject_id == ada
    found = connector.services.browser.events(AuditFilter(), person=BEFORE).events
    assert ada in {event.subject for event in found}


def test_what_names_somebody_else_who_has_the_address_now_is_kept(connector):
    ada = connector.create(BEFORE, externalId="hr-1")["id"]
    rename(connector, ada)
    extension = {"schemas": [ENTERPRISE], ENTERPRISE: {"department": "Quaternions"}}
    heir = connector.create(BEFORE, externalId="hr-2", **extension)["id"]
    leave(connector, ada)
    erasures = connector.services.erasures
    with pytest.raises(InvalidRequestError, match="Several users have or had this address"):
        erasures.request(BEFORE, "letter 7", ANN)
    asked = erasures.request(ada, "letter 7", ANN)
    known = erasures.addresses(asked.erasure_id)
    assert (known.own, known.recycled) == ({AFTER}, {BEFORE})
    erasures.confirm(asked.erasure_id, BOB)
    assert ok(connector.get(f"/Users/{heir}"))["userName"] == BEFORE
    left = everything(connector).lower()
    assert "quaternions" in left and AFTER not in left
    told = connector.services.browser.events(AuditFilter(), person=heir).events
    assert any(BEFORE in str(event.data) for event in told)


def test_whoever_confirms_sees_by_which_addresses_it_goes(connector):
    ada = connector.create(BEFORE, externalId="hr-1")["id"]
    other = "ada.king@northwind-freight.example"
    rename(connector, ada, other)
    rename(connector, ada)
    connector.create(BEFORE, externalId="hr-2")
    leave(connector, ada)
    ann = signed_in(connector, "administrator")
    page = (
        ann.post("/erasures", page="/erasures", person=ada, reason="Letter 7")
        .headers["Location"]
        .removeprefix("/console")
    )
    shown = ann.get(page).get_data(as_text=True)
    assert f"by the user id and {other}, {AFTER}, every address that the person had here." in shown
    assert f"Not by {BEFORE}: somebody else has" in shown
    told = program(connector, "administrator", login="bob").get(page).get_json()
    assert told["addresses"] == [other, AFTER]
    assert told["recycled_addresses"] == [BEFORE]


def told_of(connector, user_id):
    return connector.services.browser.events(AuditFilter(), person=user_id).events


def working_on(connector, address):
    """Return somebody who is signed in to the console, has an address, and is away soon."""
    add_account(connector, "uma", "operator")
    connector.application.console_accounts.set_email("default", "uma", address, administrator())
    uma = person("uma", source="console", correlation_id="u", roles=OPERATOR, email=address)
    now = connector.clock.now()
    connector.services.delegations.begin(uma, "vic", now, now + timedelta(days=90))
    visitor_ = visitor(connector)
    assert visitor_.sign_in("uma").status_code == 303
    return visitor_


def joined(connector, address, name):
    """Return who got an address in DocuSign, where somebody who was closed has it."""
    join(connector.world.state, connector.world.account, NewMember(address, name))
    connector.sync()
    (found,) = ok(connector.get(f'/Users?filter=userName eq "{address}"'))["Resources"]
    return found["id"]


def test_who_has_the_address_of_somebody_closed_keeps_what_is_theirs(connector):
    ada = connector.create(BEFORE, externalId="hr-1")["id"]
    ok(connector.patch(f"/Users/{ada}", op("replace", "active", False)))
    heir = joined(connector, BEFORE, "Uma Heiress")
    assert heir != ada
    refused(connector.post("/Users", {"userName": BEFORE}), 409, "uniqueness")
    connector.clock.advance(DAY_AND_MORE)
    uma = working_on(connector, BEFORE)
    before = [event.data for event in told_of(connector, heir)]
    erasures = connector.services.erasures
    asked = erasures.request(ada, "letter 7", ANN)
    known = erasures.addresses(asked.erasure_id)
    assert (known.own, known.recycled) == (frozenset(), {BEFORE})
    assert goes_by(known).startswith(
        f"What is erased is looked for by the user id alone. Not by {BEFORE}: somebody else has"
    )
    shown = signed_in(connector, "administrator").get(f"/erasures/{asked.erasure_id}")
    assert "looked for by the user id alone. Not by" in shown.get_data(as_text=True)
    shown = signed_in(connector, "viewer", login="vic").get(f"/erasures/{asked.erasure_id}")
    text = shown.get_data(as_text=True)
    assert "by the addresses that only this person had" in text and "Not by" not in text
    assert erasures.confirm(asked.erasure_id, BOB).state is ErasureState.DONE
    assert [event.data for event in told_of(connector, heir)] == before
    assert uma.get("/").status_code == 200, "the session is somebody else's"
    assert [item.delegator for item in connector.services.delegations.list()] == ["uma"]
    assert ok(connector.get(f"/Users/{heir}"))["userName"] == BEFORE
    # Nobody else is on the address any more.
    connector.application.console_accounts.disable("default", "uma", administrator())
    leave(connector, heir)
    assert forget(connector, heir).state is ErasureState.DONE
    assert BEFORE not in everything(connector).lower()


def test_the_heir_s_erasure_keeps_what_is_of_who_moved_away(connector):
    ada = connector.create(BEFORE, externalId="hr-1")["id"]
    refused(connector.post("/Users", {"userName": BEFORE}), 409, "uniqueness")
    rename(connector, ada)
    heir = connector.create(BEFORE, externalId="hr-2")["id"]
    leave(connector, heir)
    uma = working_on(connector, BEFORE)
    refusals = list(connector.services.browser.events(AuditFilter(action="request.refused")).events)
    assert any(BEFORE in str(event.data) for event in refusals)
    erasures = connector.services.erasures
    asked = erasures.request(heir, "letter 8", ANN)
    known = erasures.addresses(asked.erasure_id)
    assert (known.own, known.recycled) == (frozenset(), {BEFORE})
    assert erasures.confirm(asked.erasure_id, BOB).state is ErasureState.DONE
    assert uma.get("/").status_code == 200
    left = connector.services.browser.events(AuditFilter(action="request.refused")).events
    assert [event.data for event in left] == [event.data for event in refusals]
    assert BEFORE in str([event.data for event in told_of(connector, ada)])


def test_of_two_closed_users_on_one_address_the_last_one_takes_it_along(connector):
    ada = connector.create(BEFORE, externalId="hr-1")["id"]
    connector.delete(f"/Users/{ada}")
    heir = connector.create(BEFORE, externalId="hr-2")["id"]
    assert heir != ada
    leave(connector, heir)
    known = {}
    for user_id in (heir, ada):
        asked = connector.services.erasures.request(user_id, "letter 7", ANN)
        known[user_id] = connector.services.erasures.addresses(asked.erasure_id)
        connector.services.erasures.confirm(asked.erasure_id, BOB)
    assert known[heir].recycled == known[ada].own == {BEFORE}
    assert BEFORE not in everything(connector).lower()


def test_whose_address_ends_or_begins_alike_keeps_what_is_theirs(connector):
    ann, joann = "ann@northwind-freight.example", "joann@northwind-freight.example"
    mine = connector.create(ann)["id"]
    for address in (joann, f"{ann}.org"):
        connector.create(address)
        refused(connector.post("/Users", {"userName": address}), 409, "uniqueness")
    leave(connector, mine)
    assert forget(connector, mine).state is ErasureState.DONE
    left = connector.services.browser.events(AuditFilter(action="request.refused")).events
    said = str([event.data for event in left])
    assert joann in said and f"{ann}.org" in said


def test_what_is_on_an_account_s_address_that_is_another_user_s_is_kept(connector):
    ada = connector.create(AFTER)["id"]
    other = connector.create(BEFORE)["id"]
    refused(connector.post("/Users", {"userName": BEFORE}), 409, "uniqueness")
    add_account(connector, AFTER, "operator")
    accounts = connector.application.console_accounts
    accounts.set_email("default", AFTER, BEFORE, administrator())
    accounts.disable("default", AFTER, administrator())
    leave(connector, ada)
    before = [event.data for event in told_of(connector, other)]
    assert forget(connector, ada).state is ErasureState.DONE
    assert [event.data for event in told_of(connector, other)] == before
    left = connector.services.browser.events(AuditFilter(action="request.refused")).events
    assert BEFORE in str([event.data for event in left])
    assert AFTER not in everything(connector).lower()


def test_two_people_on_one_address_are_not_told_as_one(connector):
    ada = connector.create(BEFORE, externalId="hr-1")["id"]
    rename(connector, ada)
    heir = connector.create(BEFORE, externalId="hr-2")["id"]
    audit, profile = connector.services.audit, connector.baseline()
    with pytest.raises(InvalidRequestError, match="Several users have or had this address") as said:
        audit.explain(BEFORE, profile)
    assert ada in str(said.value) and heir in str(said.value)
    for one in (ada, heir):
        assert list(audit.explain(one, profile).user_ids) == [one]
    assert list(audit.explain(AFTER, profile).user_ids) == [ada]
    assert {ada, heir} <= {event.subject for event in audit.search(AuditFilter(), person=BEFORE)}


def test_an_address_that_somebody_got_after_the_confirmation_is_said_to_be_left_out(connector):
    ada = connector.create(BEFORE, externalId="hr-1")["id"]
    rename(connector, ada)
    leave(connector, ada)
    erasures = connector.services.erasures
    asked = erasures.request(ada, "letter 7", ANN)
    assert erasures.addresses(asked.erasure_id).own == {BEFORE, AFTER}
    connector.world.faults.add(Fault("drop", "POST", "/data_redaction/"))
    assert erasures.confirm(asked.erasure_id, BOB).state is ErasureState.CONFIRMED
    connector.create(BEFORE, externalId="hr-2")
    assert erasures.carry_out_all(JOB) == {"done": 1, "confirmed": 0}
    (event,) = connector.services.audit.search(AuditFilter(action="audit.erased"))
    assert event.data["counts"] == {"addresses_left_out": 1}
    assert describe(event).startswith("1 address was left out")
