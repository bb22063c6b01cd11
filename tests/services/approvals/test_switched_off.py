"""Local accounts that nobody signs in with any more (``console.local_accounts: false``)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.authentication.console import ConsoleRole, SignInMethod
from connector.domain.notifications import Notice
from connector.domain.work_items.items import WorkItemState
from connector.errors import ForbiddenError, InvalidRequestError
from connector.services.authentication.identities import Identity
from connector.services.notifications.recipients import recipients_of
from connector.services.outbox import new_delivery
from connector.settings import ChannelSettings
from tests.approvals import (
    APPROVE,
    add_account,
    administrator,
    approver,
    asked_by,
    decide,
    operator,
    somebody,
    waiting,
)
from tests.connector import ORGANIZATION_ADMIN, ok
from tests.visitors import ask_for_admin


def switched_off(connector, *, tokens=True):
    """Switch local accounts off; return the tenant's services as they are from then on."""
    application = connector.application
    application.settings = replace(
        application.settings,
        console=replace(application.settings.console, local_accounts=False),
        api=replace(application.settings.api, personal_tokens=tokens),
    )
    services = application._wire(connector.services.settings)
    application.tenant = lambda _name: services
    return services


def local(login, role=ConsoleRole.APPROVER):
    return somebody(login, role, is_local=True)


def told(services, item, *words):
    channel = ChannelSettings("mail", recipients=words)
    now = services.context.clock.now()
    payload = {"work_item": item.work_item_id}
    delivery = new_delivery(
        Notice.APPROVAL_REQUESTED, channel, now, about=item.work_item_id, payload=payload
    )
    with services.context.read() as uow:
        return recipients_of(uow, services.context, words, delivery)


def test_their_votes_and_absences_count_no_more(start):
    connector, asked_for = start(approvals_needed=2)
    for login in ("ann.a", "vic"):
        add_account(connector, login, ConsoleRole.APPROVER)
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, local("ann.a"))
    now = connector.clock.now()
    connector.services.delegations.begin(local("vic"), "carl", now, now + timedelta(days=7))
    switched_off(connector)
    carl = somebody("carl", ConsoleRole.VIEWER)
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, carl)
    view = decide(connector, item, APPROVE, approver("dora"))
    assert (view.item.state, view.approved_by) == (WorkItemState.OPEN, ["dora"])


def test_an_absence_of_a_person_of_the_provider_is_theirs_still(start):
    """The person had a local account of the same address once."""
    connector, asked_for = start()
    add_account(connector, "vic", ConsoleRole.APPROVER)
    _, item = waiting(connector, asked_for)
    now = connector.clock.now()
    vic = approver("vic@staff.example")
    connector.services.delegations.begin(vic, "carl", now, now + timedelta(days=7))
    switched_off(connector)
    view = decide(connector, item, APPROVE, somebody("carl", ConsoleRole.VIEWER))
    assert view.item.state is WorkItemState.DONE


def test_nobody_is_told_or_given_a_task_by_one(start):
    connector, asked_for = start()
    for login, role in (("ann.a", ConsoleRole.APPROVER), ("olga", ConsoleRole.OPERATOR)):
        add_account(connector, login, role)
    user, item = waiting(connector, asked_for)
    words = ("approvers", "role:operator")
    both = ["ann.a@staff.example", "olga@staff.example"]
    assert told(connector.services, item, *words) == both
    add = {"op": "add", "path": "roles", "value": [{"value": ORGANIZATION_ADMIN}]}
    ok(connector.patch(f"/Users/{user['id']}", add))
    (task,) = connector.services.work_items.list(kind="manual_task")

    services = switched_off(connector)

    assert told(services, item, *words) == []
    assert services.browser.colleagues() == []
    with pytest.raises(InvalidRequestError, match="Nobody who may work tasks"):
        services.tasks.hand_over(task.work_item_id, operator("paul"), "olga")


def signed_in_and_out(connector, login, method):
    """Somebody who works tasks was here, and is no longer."""
    sign_in = connector.application.console_sign_in
    roles = frozenset({ConsoleRole.OPERATOR})
    identity = Identity(login, login, f"{login}@corp.example", roles, method=method)
    token = sign_in.with_identity("default", identity, "c")
    sign_in.sign_out("default", sign_in.find("default", token), "c")


def test_an_account_that_is_left_over_hides_nobody_of_the_provider(start):
    connector, _ = start()
    task = ask_for_admin(connector, connector.create("new.hire@acme.test")["id"])
    for login in ("olga", "paul", "rita"):
        add_account(connector, login, ConsoleRole.OPERATOR)
    signed_in_and_out(connector, "olga", SignInMethod.OIDC)
    signed_in_and_out(connector, "paul", SignInMethod.LOCAL)
    connector.services.work_items.comment(task, operator("rita", is_local=True), "Mine soon")
    tasks = switched_off(connector).tasks
    for login in ("paul", "rita"):
        with pytest.raises(InvalidRequestError, match="Nobody who may work tasks"):
            tasks.hand_over(task, administrator(), login)
    assert tasks.hand_over(task, administrator(), "olga").assignee == "user:olga"


def test_who_has_a_token_in_force_counts_where_tokens_let_in(start):
    connector, asked_for = start(approvals_needed=2)
    add_account(connector, "ann.a", ConsoleRole.APPROVER)
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, local("ann.a"))
    tokens = connector.application.personal_tokens
    tokens.add("default", "ann.a", "script", administrator(), days=3)
    assert switched_off(connector).approvals.get(item.work_item_id).approved_by == ["ann.a"]
    without = switched_off(connector, tokens=False)
    assert without.approvals.get(item.work_item_id).approved_by == []
    services = switched_off(connector)
    connector.clock.advance(4 * 86_400)
    assert services.approvals.get(item.work_item_id).approved_by == []


def test_one_person_is_not_two_because_one_account_is_switched_off(start):
    connector, asked_for = start()
    add_account(connector, "bob", ConsoleRole.OPERATOR, email="rob@staff.example")
    user = connector.create("new.hire@acme.test")
    who = operator("bob", email="rob@staff.example")
    item = asked_by(connector, replace(who, is_local=True), user["id"], asked_for)
    switched_off(connector)
    with pytest.raises(ForbiddenError, match="what they asked for"):
        decide(connector, item, APPROVE, approver("robert", email="rob@staff.example"))
