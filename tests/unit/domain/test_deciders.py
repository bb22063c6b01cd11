"""How many people can agree is told only where it is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.domain.work_items.approvals import Matter
from connector.domain.work_items.deciders import most_deciding, too_few
from mappings.model import Approvers
from tests.contract.store.people import NOW
from tests.unit.domain.test_absent_approvers import ANN, BOB, EVE

ACCOUNTS = {one.login: one for one in (ANN, BOB, EVE)}


def matter(approvers: Approvers, **more: Any) -> Matter:
    known = Matter(
        "default",
        approvers,
        manager="",
        parties=frozenset(),
        delegations=(),
        now=NOW,
        accounts=ACCOUNTS,
        has_provider=False,
        provider_gives_role=False,
    )
    return replace(known, **more)


@pytest.mark.parametrize(
    ("approvers", "more", "most"),
    [
        (Approvers(), {}, 1),
        (Approvers(), {"has_provider": True}, 1),
        (Approvers(), {"has_provider": True, "provider_gives_role": True}, None),
        (Approvers(groups=("it",)), {"has_provider": True}, None),
        (Approvers(groups=("it",)), {}, 0),
        (Approvers(("ann", "ann@acme.test")), {}, 1),
        (Approvers(("ann", "zoe@acme.test")), {}, 1),
        (Approvers(("ann", "zoe@acme.test")), {"has_provider": True}, 2),
        (Approvers(("bob", "eve")), {}, 0),
        (Approvers(("ann",)), {"parties": frozenset({"ann@acme.test"})}, 0),
        (Approvers((), (), True), {"manager": "ann@acme.test"}, 1),
        (Approvers((), (), True), {"manager": "zoe@acme.test"}, 0),
    ],
)
def test_as_many_as_can_come_in_and_may(approvers, more, most):
    assert most_deciding(matter(approvers, **more)) == most


def test_the_command_that_is_named_is_of_the_tenant():
    few = too_few(matter(Approvers(("zoe",)), tenant="acme"), needed=1)
    assert "(docusign-iga console user add --tenant acme)" in few
