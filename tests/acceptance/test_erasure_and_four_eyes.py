"""Nobody's erasure lets somebody else pass twice where two people are needed."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.authentication.console import ConsoleRole, SignInMethod
from connector.domain.erasure import ErasureState
from connector.errors import ClosedError, ForbiddenError, InvalidRequestError
from connector.services.context import person
from simulator.faults import Fault
from tests import databases
from tests.acceptance.test_erasure import ANN, BOB, JOB
from tests.acceptance.test_erasure_by_every_address import AFTER, leave, rename
from tests.approvals import APPROVE, DENY, approver, asked_by, asking_first, decide, held, waiting
from tests.connector import ManualClock, connected
from tests.contract.store.test_console import SESSION
from tests.simulated import simulated

HUGO = "hugo@staff.example"
VICTIM = "victim@northwind-freight.example"
ROLES = (ConsoleRole.ADMINISTRATOR, ConsoleRole.OPERATOR, ConsoleRole.APPROVER)
SAME = person(HUGO, source="console", correlation_id="h", roles=ROLES, email=HUGO)
"""Signs in through the identity provider, and is no user of DocuSign."""


@pytest.fixture
def asked_for():
    return simulated(20).entitlement()


@pytest.fixture(params=["sqlite", "postgresql"])
def connector(request, tmp_path, asked_for):
    clock = ManualClock()
    with ExitStack() as stack:
        database = tmp_path / "connector.db"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            database = stack.enter_context(databases.postgresql_database(server, "four_eyes"))
        rules = (asking_first(asked_for, approvals_needed=2),)
        world = simulated(20, now=clock.now)
        running = connected(database, world=world, clock=clock, entitlements=rules)
        stack.callback(running.close)
        yield running


@pytest.fixture
def once(connector):
    """Somebody who left, and had Hugo's address for a while."""
    user_id = connector.create("someone@northwind-freight.example")["id"]
    rename(connector, user_id, HUGO)
    rename(connector, user_id, AFTER)
    leave(connector, user_id)
    return user_id


def refused(connector, user_id, why):
    erasures = connector.services.erasures
    with pytest.raises(InvalidRequestError, match=why):
        erasures.request(user_id, "letter 7", ANN)


def erased(connector, user_id):
    erasures = connector.services.erasures
    asked = erasures.request(user_id, "letter 7", ANN)
    return erasures.confirm(asked.erasure_id, BOB)


def test_nobody_confirms_what_they_asked_for_after_the_erasure_of_another(connector, once):
    victim = connector.create(VICTIM)["id"]
    leave(connector, victim)
    erasures = connector.services.erasures
    mine = erasures.request(victim, "letter 8", SAME)
    refused(connector, once, f"{HUGO}, a name of the person, asked for erasure {mine.erasure_id}")
    with pytest.raises(ForbiddenError, match="another person"):
        erasures.confirm(mine.erasure_id, SAME)
    erasures.withdraw(mine.erasure_id, ANN)
    assert erased(connector, once).state is ErasureState.DONE


def test_nobody_votes_twice_after_the_erasure_of_another(connector, once, asked_for):
    user, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, SAME)
    refused(connector, once, f"what is open: approval {item.work_item_id}")
    with pytest.raises(ClosedError, match="approved this already"):
        decide(connector, item, APPROVE, SAME)
    assert asked_for not in held(connector.user(user["id"]))
    decide(connector, item, APPROVE, approver())
    assert erased(connector, once).state is ErasureState.DONE
    (vote, _) = [
        event.data["voter"]
        for event in connector.services.approvals.get(item.work_item_id).history
        if event.act == "approved"
    ]
    assert vote.startswith("person:")


def test_nobody_approves_their_own_request_after_the_erasure_of_another(connector, once, asked_for):
    target = connector.create("target@northwind-freight.example")["id"]
    item = asked_by(connector, SAME, target, asked_for)
    refused(connector, once, f"what is open: approval {item.work_item_id}")
    with pytest.raises(ForbiddenError, match="what they asked for"):
        decide(connector, item, APPROVE, SAME)
    decide(connector, item, DENY, approver(), comment="not needed")
    assert erased(connector, once).state is ErasureState.DONE


def test_the_session_that_is_in_the_way_is_ended_as_the_refusal_says(connector, once):
    now = connector.clock.now()
    ends_at = now + timedelta(hours=1)
    session = replace(
        SESSION, login="Hugo B", email=HUGO, method=SignInMethod.OIDC, last_seen_at=now
    )
    with connector.services.context.write() as uow:
        uow.console.add_session(replace(session, ends_at=ends_at))
        uow.commit()
    refused(connector, once, "docusign-iga console session end 'Hugo B', or the page")


@pytest.mark.parametrize("ends", ["by time", "by an administrator"])
def test_who_is_signed_in_by_the_name_is_left_alone(connector, once, ends):
    now = connector.clock.now()
    session = replace(
        SESSION,
        login="hugo",
        email=HUGO.upper(),
        method=SignInMethod.OIDC,
        last_seen_at=now,
        ends_at=now + timedelta(hours=1),
    )
    with connector.services.context.write() as uow:
        uow.console.add_session(session)
        uow.commit()
    refused(connector, once, "hugo, a name of the person, is signed in")
    if ends == "by time":
        connector.clock.advance(3_599)
        refused(connector, once, "hugo, a name of the person, is signed in")
        connector.clock.advance(2)
    else:
        connector.application.console_sessions.end("default", "hugo", BOB)
    assert erased(connector, once).state is ErasureState.DONE


def test_what_was_asked_for_after_the_confirmation_is_waited_for(connector, once, asked_for):
    erasures = connector.services.erasures
    asked = erasures.request(once, "letter 7", ANN)
    connector.world.faults.add(Fault("drop", "POST", "/data_redaction/"))
    assert erasures.confirm(asked.erasure_id, BOB).state is ErasureState.CONFIRMED
    target = connector.create("target@northwind-freight.example")["id"]
    item = asked_by(connector, SAME, target, asked_for)
    for _ in range(2):
        assert erasures.carry_out_all(JOB) == {"done": 0, "confirmed": 1}
        kept = erasures.get(asked.erasure_id)
        assert f"approval {item.work_item_id}" in kept.error
        assert set(kept.outcomes.values()) == {"success"}, "DocuSign is not asked again"
    with pytest.raises(ForbiddenError, match="what they asked for"):
        decide(connector, item, APPROVE, SAME)
    decide(connector, item, DENY, approver(), comment="not needed")
    assert erasures.carry_out_all(JOB) == {"done": 1, "confirmed": 0}
    assert connector.services.audit.verify().broken is None
