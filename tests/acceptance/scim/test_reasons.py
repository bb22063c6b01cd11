"""Why access is asked for: sent with the request, shown to whoever decides, and never returned."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItemKind
from connector.services.context import Actor
from tests.approvals import approver, ask, asking_first, held, pending
from tests.connector import DOCUSIGN, ORGANIZATION_ADMIN, ok, refused
from tests.simulated import simulated
from tests.visitors import signed_in

USER, GROUP = f"{DOCUSIGN}User", f"{DOCUSIGN}Group"
WHY = "Covers for Bea until March, ticket 4711"


@pytest.fixture
def world():
    return simulated(10)


@pytest.fixture
def profile(world):
    return world.entitlement()


@pytest.fixture
def group(world):
    account = world.accounts[0]
    number = next(i.group_id for i in account.groups.values() if i.kind == "customGroup")
    return f"{account.account_id}.g{number}"


@pytest.fixture
def start(connect, world, profile, group):
    """Start a connector whose policy asks first for a profile and a group."""

    def run(who="requester", **settings):
        rules = [asking_first(item, reason_required=who) for item in (profile, group)]
        return connect(world=world, entitlements=tuple(rules), **settings)

    return run


def with_reason(entitlement, path="entitlements", reason=WHY):
    return (
        {"op": "add", "path": path, "value": [{"value": entitlement}]},
        {"op": "add", "path": f"{USER}:reason", "value": reason},
    )


def only_approval(connector):
    (item,) = connector.services.approvals.list()
    return connector.services.approvals.get(item.work_item_id)


def test_a_policy_that_wants_a_reason_refuses_a_request_without_one(start, profile):
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    add = {"op": "add", "path": "entitlements", "value": [{"value": profile}]}
    detail = refused(connector.patch(f"/Users/{ann['id']}", add), 400, "invalidValue")
    assert "without a reason" in detail
    assert USER in detail
    assert connector.services.approvals.list() == []
    refused(connector.patch(f"/Users/{ann['id']}?dryRun=true", add), 400, "invalidValue")


def test_approvers_see_the_reason_and_clients_do_not(start, profile):
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    answer = ok(connector.patch(f"/Users/{ann['id']}", *with_reason(profile)))
    assert pending(answer) == [("approval", profile, "grant")]
    assert WHY not in json.dumps([answer, connector.user(ann["id"])])
    view = only_approval(connector)
    assert view.reason == WHY
    assert view.history[0].comment == WHY


def test_the_requester_having_said_why_the_approver_need_not(start, profile):
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    ok(connector.patch(f"/Users/{ann['id']}", *with_reason(profile)))
    item = only_approval(connector).item
    connector.services.approvals.decide(item.work_item_id, Verdict.APPROVE, approver())
    assert held(connector.user(ann["id"])) == {profile}


@pytest.mark.parametrize(
    "body",
    [
        {USER: {"reason": WHY}},
        {f"{USER}:reason": WHY},
        {USER.upper(): {"REASON": WHY}},
    ],
)
def test_a_patch_without_path_carries_the_reason_too(start, profile, body):
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    value = {"entitlements": [{"value": profile}], **body}
    ok(connector.patch(f"/Users/{ann['id']}", {"op": "add", "value": value}))
    assert only_approval(connector).reason == WHY


def test_post_and_put_carry_the_reason(start, profile):
    connector = start()
    body = {"entitlements": [{"value": profile}], USER: {"reason": WHY}}
    ann = connector.create("ann.lee@acme.test", **body)
    assert only_approval(connector).reason == WHY
    bea = connector.create("bea.lee@acme.test")
    ok(connector.put(f"/Users/{bea['id']}", {**bea, **body}))
    reasons = [
        connector.services.approvals.get(item.work_item_id).reason
        for item in connector.services.approvals.list()
    ]
    assert reasons == [WHY, WHY]
    assert "reason" not in connector.user(ann["id"])[USER]


def test_a_change_of_members_carries_the_reason_in_the_extension_of_the_group(start, group):
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    add = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
    assert GROUP in refused(connector.patch(f"/Groups/{group}", add), 400, "invalidValue")
    why = {"op": "add", "path": f"{GROUP}:reason", "value": WHY}
    assert "reason" not in ok(connector.patch(f"/Groups/{group}", why, add))[GROUP]
    assert only_approval(connector).reason == WHY


def test_a_group_whose_members_are_not_let_in_is_not_created(start, connect, world):
    rule = asking_first("Legal*", reason_required="requester")
    connector = connect(world=world, entitlements=(rule,))
    ann = connector.create("ann.lee@acme.test")
    body = {"displayName": "Legal", "members": [{"value": ann["id"]}]}
    refused(connector.post("/Groups", body), 400, "invalidValue")
    assert ok(connector.get('/Groups?filter=displayName eq "Legal"'))["totalResults"] == 0
    ok(connector.post("/Groups", {**body, GROUP: {"reason": WHY}}), 201)
    assert only_approval(connector).reason == WHY


def test_a_profile_shown_as_a_group_carries_the_reason(start, profile):
    connector = start(scim={"show_as_groups": ("profiles", "roles")})
    ann = connector.create("ann.lee@acme.test")
    path = f"/Groups/{profile.replace('.', '.p')}"
    add = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
    refused(connector.patch(path, add), 400, "invalidValue")
    for nothing in (".", "\u3164"):
        empty = {"op": "add", "path": f"{GROUP}:reason", "value": nothing}
        refused(connector.patch(path, add, empty), 400, "invalidValue")
    ok(connector.patch(path, add, {"op": "add", "path": f"{GROUP}:reason", "value": WHY}))
    assert only_approval(connector).reason == WHY


def test_a_manual_task_shows_the_reason(start, monkeypatch):
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    ok(connector.patch(f"/Users/{ann['id']}", *with_reason(ORGANIZATION_ADMIN, "roles")))
    (task,) = connector.services.work_items.list(kind=WorkItemKind.MANUAL_TASK)
    assert connector.services.work_items.view(task.work_item_id).reason == WHY
    monkeypatch.setattr(CommandContext, "application", connector.application)
    monkeypatch.setattr(CommandContext, "known_tenant", "default")
    shown = CliRunner().invoke(main, ["tasks", "show", task.work_item_id]).output
    assert WHY in shown


def test_the_console_and_the_command_line_show_the_reason(start, profile, monkeypatch):
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    ok(connector.patch(f"/Users/{ann['id']}", *with_reason(profile, reason="<b>4711</b>")))
    item_id = only_approval(connector).item.work_item_id
    page = signed_in(connector, "approver").get(f"/approvals/{item_id}").get_data(as_text=True)
    assert "Reason given" in page
    assert "&lt;b&gt;4711&lt;/b&gt;" in page
    assert "<b>4711</b>" not in page
    monkeypatch.setattr(CommandContext, "application", connector.application)
    monkeypatch.setattr(CommandContext, "known_tenant", "default")
    shown = CliRunner().invoke(main, ["approvals", "show", item_id, "--json"]).output
    assert json.loads(shown)["reason"] == "<b>4711</b>"


def test_a_reason_waits_with_its_request(start, profile, group):
    """Prefer: respond-async; the jobs open the approvals."""
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    add = {"op": "add", "path": "entitlements", "value": [{"value": profile}]}
    refused(
        connector.patch(f"/Users/{ann['id']}", add, prefer="respond-async"), 400, "invalidValue"
    )
    member = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
    why = {"op": "add", "path": f"{GROUP}:reason", "value": WHY}
    for path, operations in (
        (f"/Users/{ann['id']}", with_reason(profile)),
        (f"/Groups/{group}", (member, why)),
    ):
        assert connector.patch(path, *operations, prefer="respond-async").status_code == 202
    connector.services.settlement.settle_all(Actor("job:settle", "job", "c-1"))
    waiting = connector.services.approvals.list()
    assert {item.entitlement for item in waiting} == {profile, group}
    reasons = {connector.services.approvals.get(item.work_item_id).reason for item in waiting}
    assert reasons == {WHY}


def test_who_is_enabled_again_is_not_held_back_by_a_group_that_is_gone(start, profile, group):
    connector = start("requester")
    ann = connector.create("ann.lee@acme.test")
    other = ok(connector.post("/Groups", {"displayName": "Short"}), 201)["id"]
    member = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
    ok(connector.patch(f"/Groups/{other}", member))
    switch = {"op": "replace", "path": "active", "value": False}
    ok(connector.patch(f"/Users/{ann['id']}", switch))
    connector.delete(f"/Groups/{other}")
    assert ok(connector.patch(f"/Users/{ann['id']}", {**switch, "value": True}))["active"] is True


def test_both_may_have_to_say_why(start, profile):
    connector = start("both")
    ann = connector.create("ann.lee@acme.test")
    ok(connector.patch(f"/Users/{ann['id']}", *with_reason(profile)))
    item = only_approval(connector).item
    assert item.terms.reason_required


def test_a_reason_by_itself_changes_nothing(start, profile):
    connector = start("approver")
    ann = connector.create("ann.lee@acme.test")
    ask(connector, ann["id"], profile)
    before = connector.user(ann["id"])
    why = {"op": "replace", "path": f"{USER}:reason", "value": WHY}
    assert ok(connector.patch(f"/Users/{ann['id']}", why)) == before


@pytest.mark.parametrize(
    "query", ["filter=%s:reason pr", 'filter=%s:reason sw "C"', "sortBy=%s:reason"]
)
def test_a_reason_cannot_be_asked_for(start, query):
    connector = start()
    answer = connector.get(f"/Users?{query % USER}")
    refused(answer, 400, "invalidPath" if query.startswith("sort") else "invalidFilter")


def test_a_reason_is_text_and_is_cut(start, profile):
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    refused(
        connector.patch(f"/Users/{ann['id']}", *with_reason(profile, reason=["a", "b"])),
        400,
        "invalidValue",
    )
    refused(
        connector.patch(f"/Users/{ann['id']}", *with_reason(profile, reason="  ")),
        400,
        "invalidValue",
    )
    ok(connector.patch(f"/Users/{ann['id']}", *with_reason(profile, reason="xy" * 4_500)))
    assert only_approval(connector).reason == "xy" * 2_000


def test_the_reason_is_erased_with_the_person(start, profile):
    """The ledger keeps it in the plan and in the history of the work item alone."""
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    ok(connector.patch(f"/Users/{ann['id']}", *with_reason(profile)))
    view = only_approval(connector)
    with connector.services.context.write() as uow:
        uow.erasures.forget_person(ann["id"], "ann.lee@acme.test")
        uow.commit()
    with connector.services.context.read() as uow:
        assert WHY not in str(uow.plans.get(view.plan.plan_id))
        assert WHY not in str(uow.work_items.events(view.item.work_item_id))


def test_what_plans_about_groups_say_is_erased_too(start, group):
    connector = start()
    ann = connector.create("ann.lee@acme.test")
    add = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
    ok(
        connector.patch(
            f"/Groups/{group}", {"op": "add", "path": f"{GROUP}:reason", "value": WHY}, add
        )
    )
    with connector.services.context.read() as uow:
        parent = uow.plans.get(only_approval(connector).plan.context["after"])[0]
    assert WHY in str(parent)
    assert "ann.lee@acme.test" in parent.summary
    with connector.services.context.write() as uow:
        uow.erasures.forget_person(ann["id"], "ann.lee@acme.test")
        uow.commit()
    with connector.services.context.read() as uow:
        told = str(uow.plans.get(parent.plan_id)[0])
    assert WHY not in told
    assert "ann.lee@acme.test" not in told
