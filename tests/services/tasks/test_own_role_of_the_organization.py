"""A role of the tenant's own whose verification is organization_admin is the one of DocuSign."""

from __future__ import annotations

import pytest

from connector.domain.work_items.items import WorkItemState
from tests.connector import ORGANIZATION_ADMIN
from tests.services.tasks.opening import JOB, open_task

OWN = {
    "org-boss": {
        "display": "Head of the organization",
        "verification": "organization_admin",
        "instructions": {"grant": ["Tell {email}."], "revoke": ["Tell {email} again."]},
    }
}


@pytest.fixture
def boss(connector, ann, work):
    """Return whom people made organization administrator, asked for by the tenant's own role."""
    task = open_task(connector, ann, "org-boss")
    connector.world.state.user(ann).is_organization_admin = True
    assert connector.services.verification.verify_all(JOB)["closed"] == 1
    assert work.get(task).state is WorkItemState.DONE
    return ann


@pytest.mark.parametrize("connector", [OWN], indirect=True)
def test_it_is_done_once_docusign_shows_it(connector, boss):
    with connector.services.context.read() as uow:
        assert uow.mirror.get_users([boss])[boss].is_organization_admin is True


@pytest.mark.parametrize("connector", [OWN], indirect=True)
@pytest.mark.parametrize("asked", ["org-boss", ORGANIZATION_ADMIN, "any-admin"])
def test_it_is_told_as_held_under_either_name(connector, boss, asked):
    found = connector.services.audit.explain(boss, asked)
    assert found.now_in_words.startswith("held, as DocuSign was last read: ")


@pytest.mark.parametrize("connector", [OWN], indirect=True)
def test_it_is_not_noted_of_who_is_none(connector, ann, work):
    task = open_task(connector, ann, "org-boss")
    assert connector.services.verification.verify_all(JOB)["closed"] == 0
    assert work.get(task).last_check == "DocuSign: the user is no organization administrator"
    assert connector.services.audit.explain(ann, "org-boss").now_in_words.startswith("not held")
