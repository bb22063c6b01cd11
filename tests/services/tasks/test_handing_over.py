"""Who works on a task: claimed, released, handed over."""

from __future__ import annotations

import pytest

from connector.domain.authentication.console import ConsoleRole, SignInMethod
from connector.domain.work_items.history import Act
from connector.errors import ForbiddenError, InvalidRequestError
from connector.services.authentication.identities import Identity
from tests.approvals import add_account, administrator, disable, operator
from tests.services.tasks.opening import open_task


def test_a_claimed_task_is_left_to_who_claimed_it(connector, ann, work, tasks):
    task = open_task(connector, ann)
    tasks.claim(task, operator("olga"))
    for act in (tasks.claim, tasks.release, tasks.complete):
        with pytest.raises(ForbiddenError, match="olga"):
            act(task, operator("paul"))
    work.comment(task, operator("paul"), "I can take it")
    assert tasks.hand_over(task, operator("olga"), "paul").assignee == "user:paul"
    assert tasks.release(task, administrator()).assignee is None
    assert tasks.claim(task, operator("eva")).assignee == "user:eva"
    acts = [event.act for event in work.view(task).history]
    taken = [Act.OPENED, Act.CLAIMED, Act.COMMENTED, Act.HANDED_OVER, Act.RELEASED, Act.CLAIMED]
    assert acts == taken


def signed_in_through_the_provider(connector, login, *roles):
    identity = Identity(
        login, login.title(), f"{login}@corp.example", frozenset(roles), method=SignInMethod.OIDC
    )
    return connector.application.console_sign_in.with_identity("default", identity, "c")


def test_a_task_is_handed_to_people_who_may_work_it(connector, ann, tasks):
    task = open_task(connector, ann)
    add_account(connector, "lena", ConsoleRole.OPERATOR, email="Lena@Corp.example")
    signed_in_through_the_provider(connector, "paula@corp.example", ConsoleRole.ADMINISTRATOR)
    for text, login in (
        ("lena", "lena"),
        ("user:LENA", "lena"),
        ("lena@corp.example", "lena"),
        ("Paula@corp.example", "paula@corp.example"),
    ):
        assert tasks.hand_over(task, administrator(), text).assignee == f"user:{login}"


def test_a_task_is_not_handed_to_nobody(connector, ann, work, tasks):
    task = open_task(connector, ann)
    add_account(connector, "lena", ConsoleRole.OPERATOR)
    add_account(connector, "vera", ConsoleRole.VIEWER)
    add_account(connector, "gone", ConsoleRole.OPERATOR)
    disable(connector, "gone")
    signed_in_through_the_provider(connector, "adam", ConsoleRole.APPROVER)
    for text in ("somebody", "vera", "gone", "adam", "len", "' OR 1=1 --", "*"):
        with pytest.raises(InvalidRequestError, match="Nobody who may work tasks"):
            tasks.hand_over(task, operator("olga"), text)
    assert work.view(task).item.assignee is None


def viewer_only(connector, login):
    connector.application.console_accounts.set_roles(
        "default", login, [ConsoleRole.VIEWER], administrator()
    )


@pytest.mark.parametrize("put_out", [disable, viewer_only])
def test_who_is_put_out_gives_their_tasks_back(connector, ann, work, tasks, put_out):
    task = open_task(connector, ann)
    add_account(connector, "lena", ConsoleRole.OPERATOR)
    tasks.claim(task, operator("lena", is_local=True))
    put_out(connector, "lena")
    view = work.view(task)
    assert (view.item.assignee, view.history[-1].act) == (None, Act.RELEASED)
    assert tasks.complete(task, operator("olga"), "Told her").completed_by == "user:olga"


def test_who_signs_in_elsewhere_too_keeps_their_tasks(connector, ann, work, tasks):
    task = open_task(connector, ann)
    add_account(connector, "lena", ConsoleRole.OPERATOR)
    signed_in_through_the_provider(connector, "lena", ConsoleRole.OPERATOR)
    tasks.claim(task, operator("lena"))
    disable(connector, "lena")
    assert work.view(task).item.assignee == "user:lena"


def test_who_was_signed_in_once_can_still_be_given_a_task(connector, ann, tasks):
    task = open_task(connector, ann)
    sign_in = connector.application.console_sign_in
    token = signed_in_through_the_provider(connector, "paula", ConsoleRole.OPERATOR)
    sign_in.sign_out("default", sign_in.find("default", token), "c")
    assert tasks.hand_over(task, operator("olga"), "paula").assignee == "user:paula"
    token = signed_in_through_the_provider(connector, "paula", ConsoleRole.VIEWER)
    sign_in.sign_out("default", sign_in.find("default", token), "c")
    with pytest.raises(InvalidRequestError, match="Nobody who may work tasks"):
        tasks.hand_over(task, administrator(), "paula")
