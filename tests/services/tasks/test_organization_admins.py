"""Organization administrators whom nobody asked for are reviewed by people."""

from __future__ import annotations

import pytest

from connector.domain.work_items.items import Direction
from connector.errors import ForbiddenError
from tests.approvals import operator
from tests.connector import ORGANIZATION_ADMIN
from tests.services.tasks.opening import JOB


def test_who_was_organization_admin_from_the_start_is_no_news(connector, work):
    connector.reconcile()
    assert work.list() == []


def test_a_native_organization_admin_is_reviewed(connector, work, administrator_of_an_account):
    user = administrator_of_an_account
    user.is_organization_admin = True
    connector.reconcile()
    (item,) = work.list()
    assert (item.subject_id, item.entitlement) == (user.user_id, ORGANIZATION_ADMIN)
    assert item.direction is Direction.REVOKE
    assert item.requester == "job:reconcile"
    with connector.services.context.read() as uow:
        actions = [event.action for event in uow.audit.events(limit=10_000)]
    assert actions.count("organization_admin.unexpected") == 1
    connector.reconcile()
    assert len(work.list()) == 1

    user.is_organization_admin = False
    assert connector.services.verification.verify_all(JOB)["closed"] == 1


def test_an_accepted_organization_admin_is_known_from_then_on(
    connector, work, tasks, administrator_of_an_account
):
    user = administrator_of_an_account
    user.is_organization_admin = True
    connector.reconcile()
    (item,) = work.list()
    with pytest.raises(ForbiddenError, match="your own user"):
        tasks.reject(item.work_item_id, operator("chief", email=user.email.upper()), "It is me")
    with pytest.raises(ForbiddenError, match="no e-mail address"):
        tasks.reject(item.work_item_id, operator("chief", email=""), "It is me")
    tasks.reject(item.work_item_id, operator("olga"), "New IT lead")
    for state in (False, True):
        user.is_organization_admin = state
        connector.reconcile()
    assert work.list() == []
    with connector.services.context.read() as uow:
        (known,) = [
            p
            for p in uow.attributes.provenance(user.user_id)
            if p.entitlement == ORGANIZATION_ADMIN
        ]
    assert (known.granted_by, known.source) == ("user:olga", "accepted")
