"""An account id is bound for life: what the configuration may change, and what people must say."""

from dataclasses import replace

import pytest

from connector.bootstrap import build
from connector.domain.drift.difference import DriftKind
from connector.errors import ConfigError, InvalidRequestError, NotFoundError
from connector.services.context import Actor
from connector.services.expectations import BASELINE
from simulator.state.memberships import activate
from simulator.state.users import NewMember, join
from tests.acceptance.agreement import disagreements
from tests.connector import Connector, connected, ok
from tests.simulated import simulated

ACTOR = Actor("user:ann", "cli", "c-1")


@pytest.fixture
def connector(tmp_path):
    running = connected(
        tmp_path / "c.db", world=simulated(20), scim={"show_as_groups": ("profiles",)}
    )
    yield running
    running.close()


def restarted(connector, **tenant):
    """Return the same connector, its tenant configured anew."""
    settings = connector.application.settings
    changed = {"default": replace(settings.tenants["default"], **tenant)}
    application = build(
        replace(settings, tenants=changed), clock=connector.clock, session=connector.world.session()
    )
    return Connector(connector.world, application, connector.clock, connector.http, connector.token)


def accounts(connector):
    return connector.application.settings.tenants["default"].accounts


def other_id(account):
    return replace(account, account_id="00000000-0000-4000-8000-0000000000ff")


def test_an_account_whose_id_changed_is_refused(connector):
    first, *rest = accounts(connector)
    changed = restarted(connector, accounts=(other_id(first), *rest))
    with pytest.raises(ConfigError) as start:
        changed.application.require_bound_accounts()
    with pytest.raises(ConfigError) as sync:
        changed.sync()
    assert str(start.value) == str(sync.value)
    for said in (first.alias, first.account_id, "was", "--forget-account"):
        assert said in str(start.value)


def test_the_only_account_under_another_id_and_name_is_refused(tmp_path):
    connector = connected(tmp_path / "c.db", world=simulated(20))
    alone = accounts(connector)[:1]
    for account in accounts(connector)[1:]:
        restarted(connector, accounts=alone).services.bindings.forget_account(
            account.account_id, ACTOR
        )
    renamed = replace(other_id(alone[0]), alias="new")
    with pytest.raises(ConfigError, match=f"{alone[0].account_id} and is {renamed.account_id} now"):
        restarted(connector, accounts=(renamed,)).sync()
    connector.close()


def test_an_account_that_is_missing_is_refused_until_a_person_lets_it_go(connector):
    *rest, last = accounts(connector)
    smaller = restarted(connector, accounts=tuple(rest))
    with pytest.raises(ConfigError, match="no longer there"):
        smaller.sync()

    count = smaller.services.bindings.forget_account(last.account_id, ACTOR)

    smaller.application.require_bound_accounts()
    smaller.sync()
    assert count == len(connector.world.accounts[-1].members)
    texts = [
        ok(connector.get(f"/{kind}?count=200")) for kind in ("Users", "Groups", "Entitlements")
    ]
    assert all(text["Resources"] for text in texts)
    assert not any(last.account_id in str(text) for text in texts)
    assert ok(connector.get(f'/Tombstones?filter=resourceId sw "{last.account_id}."'))[
        "totalResults"
    ]
    with smaller.services.context.read() as uow:
        assert set(uow.mirror.catalogue().accounts) == {item.account_id for item in rest}
        events = uow.audit.events(limit=10_000)
    assert ("account.forgotten", last.account_id) in {
        (item.action, item.subject) for item in events
    }


def test_a_reconciliation_with_a_mistyped_account_is_refused_and_launders_no_drift(connector):
    connector.reconcile()
    *rest, last = accounts(connector)
    other = connector.world.accounts[-1]
    mallory = join(connector.world.state, other, NewMember("mallory@evil.test", "Mallory Moss"))
    activate(connector.world.state, mallory)
    mistyped = restarted(connector, accounts=(*rest, other_id(last)))
    with pytest.raises(ConfigError, match="--forget-account"):
        mistyped.reconcile(sync=False)

    connector.reconcile()

    found = connector.findings(DriftKind.UNMANAGED_USER)
    assert [item.subject_id for item in found] == [mallory.user.user_id]


def test_only_letting_an_account_go_makes_it_a_new_one_for_reconciliation(connector):
    connector.reconcile()
    *rest, last = accounts(connector)
    smaller = restarted(connector, accounts=tuple(rest))
    smaller.services.bindings.forget_account(last.account_id, ACTOR)
    with smaller.services.context.read() as uow:
        kept = uow.facts()[BASELINE]["accounts"]
    assert kept == sorted(item.account_id for item in rest)
    other = connector.world.accounts[-1]
    join(connector.world.state, other, NewMember("meanwhile@partner.test", "Mia Mean"))

    connector.reconcile()

    assert connector.findings(DriftKind.UNMANAGED_USER) == []


def test_letting_an_account_go_changes_nothing_in_docusign(connector):
    *rest, last = accounts(connector)
    before = {key: item.status for key, item in connector.world.accounts[-1].members.items()}
    smaller = restarted(connector, accounts=tuple(rest))
    smaller.services.bindings.forget_account(last.account_id, ACTOR)
    after = {key: item.status for key, item in connector.world.accounts[-1].members.items()}
    assert after == before


def test_an_account_that_was_let_go_can_come_back(tmp_path):
    connector = connected(tmp_path / "c.db", world=simulated(20))
    *rest, last = accounts(connector)
    smaller = restarted(connector, accounts=tuple(rest))
    smaller.services.bindings.forget_account(last.account_id, ACTOR)
    connector.sync()
    assert (
        disagreements(
            connector.world.state, connector.application, lambda path: ok(connector.get(path))
        )
        == []
    )
    connector.close()


def test_what_is_configured_or_unknown_cannot_be_let_go(connector):
    bindings = connector.services.bindings
    with pytest.raises(InvalidRequestError, match="still in the configuration"):
        bindings.forget_account(accounts(connector)[0].account_id, ACTOR)
    with pytest.raises(NotFoundError, match=accounts(connector)[0].account_id):
        bindings.forget_account("00000000-0000-4000-8000-0000000000ff", ACTOR)


def test_a_database_that_bound_nothing_yet_belongs_to_what_its_mirror_has(connector):
    with connector.services.context.write() as uow:
        uow.put_fact("bound_accounts", None)
        uow.commit()
    *rest, last = accounts(connector)
    with pytest.raises(ConfigError, match=last.account_id):
        restarted(connector, accounts=tuple(rest)).application.require_bound_accounts()


def test_another_alias_and_a_further_account_are_no_change(connector):
    *rest, last = accounts(connector)
    smaller = restarted(connector, accounts=tuple(rest))
    smaller.services.bindings.forget_account(last.account_id, ACTOR)
    aliased = tuple(replace(item, alias=f"{item.alias} 2") for item in (*rest, last))
    restarted(connector, accounts=aliased).sync()


def test_another_organization_is_refused_until_a_person_says_so(connector):
    moved = restarted(connector, organization_id="00000000-0000-4000-8000-0000000000aa")
    with pytest.raises(ConfigError, match="--forget-organization"):
        moved.sync()
    moved.services.bindings.forget_organization(ACTOR)
    moved.application.require_bound_accounts()


def test_an_organization_that_docusign_shows_is_bound_too(connector):
    found = restarted(connector, organization_id="")
    found.sync()
    organization = connector.world.state.organization
    organization.organization_id = "00000000-0000-4000-8000-0000000000aa"
    with pytest.raises(ConfigError, match="--forget-organization"):
        restarted(connector, organization_id="").sync()


def test_a_change_that_waited_for_a_forgotten_account_is_not_made(connector):
    user = connector.create("ann.lee@acme.test", entitlements=[{"value": connector.entitlement(2)}])
    closing = {"op": "replace", "path": "active", "value": False}
    path = f"/Users/{user['id']}"
    place = connector.patch(path, closing, prefer="respond-async").headers["Location"]
    *rest, last = accounts(connector)
    smaller = restarted(connector, accounts=tuple(rest))
    smaller.services.bindings.forget_account(last.account_id, ACTOR)

    smaller.services.settlement.settle_all(ACTOR)

    assert connector.membership(user["id"], 2).status.is_open
    status = ok(connector.get(f"/Requests/{place.rpartition('/')[2]}"))
    # Planned when its turn came: in what is still governed, the user is inactive already.
    assert status["status"] == "done"
    assert ok(connector.get(path))["active"] is False
