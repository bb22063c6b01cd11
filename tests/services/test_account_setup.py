"""An account made what a file declares: planned, guarded, applied, read back, run again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.domain.account_setup.actual import ADMINISTRATION
from connector.domain.account_setup.wish import ProfileRemoval, ProfileWish, Wish
from connector.errors import (
    ConfigError,
    GuardError,
    InvalidRequestError,
    PermanentError,
    UnknownOutcomeError,
)
from connector.services.account_setup import AccountSetup
from connector.services.context import Actor
from simulator.faults import Fault
from tests.connector import Connector, connected

ACTOR = Actor("user:ann", "cli", "c1")
SENDER = ProfileWish("Harbour Sender", {"allowEnvelopeSending": "true", "powerFormRole": "user"})


@pytest.fixture
def connector(tmp_path: Path) -> Iterator[Connector]:
    made = connected(tmp_path / "connector.db")
    yield made
    made.close()


@pytest.fixture
def setup(connector: Connector) -> AccountSetup:
    return connector.services.setup


def account(connector: Connector) -> str:
    return connector.world.account.account_id


def applied(connector: Connector, wish: Wish, *, allow_many: bool = False) -> list[str]:
    """Apply a wish and return the kinds of its steps."""
    plan, _ = connector.services.setup.plan(account(connector), wish)
    done = connector.services.setup.apply(
        account(connector), wish, plan.checksum, ACTOR, allow_many=allow_many
    )
    return [type(one.step).__name__ for one in done]


def profile(connector: Connector, name: str):
    return next(p for p in connector.world.account.profiles.values() if p.name == name)


def holder_of(connector: Connector, name: str):
    wanted = profile(connector, name).profile_id
    return next(m for m in connector.world.account.roster if m.profile_id == wanted)


def test_what_is_missing_is_made_and_the_second_time_nothing_is(connector: Connector) -> None:
    wish = Wish(profiles=[SENDER], groups=["Harbour", "Port"])
    assert applied(connector, wish) == ["CreateProfile", "CreateGroup", "CreateGroup"]
    made = profile(connector, "Harbour Sender")
    assert (made.can_send, made.is_admin, made.settings) == (True, False, {"powerFormRole": "user"})
    assert applied(connector, wish) == []
    shown = connector.get("/Entitlements", query="")
    assert shown.status_code == 200
    assert "Harbour Sender" in shown.get_data(as_text=True)
    with connector.services.context.read() as uow:
        events = [e for e in uow.audit.events() if e.action == "account_setup.applied"]
    assert [e.data["step"] for e in events] == ["CreateProfile", "CreateGroup", "CreateGroup"]
    assert all(e.actor == "user:ann" for e in events)


def test_only_the_settings_that_differ_are_changed(connector: Connector) -> None:
    applied(connector, Wish(profiles=[SENDER]))
    changed = replace(SENDER, settings={**SENDER.settings, "allowBulkSending": "true"})
    plan, _ = connector.services.setup.plan(account(connector), Wish(profiles=[changed]))
    (step,) = plan.steps
    assert (step.before, step.after) == (
        {"allowBulkSending": "false"},
        {"allowBulkSending": "true"},
    )
    applied(connector, Wish(profiles=[changed]))
    assert profile(connector, "Harbour Sender").settings["powerFormRole"] == "user"


def test_what_the_wish_does_not_name_stays(connector: Connector) -> None:
    before = {p.profile_id: p.name for p in connector.world.account.profiles.values()}
    groups = set(connector.world.account.groups)
    applied(connector, Wish(profiles=[SENDER]))
    after = {p.profile_id: p.name for p in connector.world.account.profiles.values()}
    assert before.items() < after.items()
    assert set(connector.world.account.groups) == groups


def test_what_is_exported_is_what_there_is(connector: Connector, setup: AccountSetup) -> None:
    wish = setup.declared(account(connector))
    assert wish.profiles
    assert wish.groups
    assert wish.administrators
    assert setup.plan(account(connector), wish)[0].steps == []


def test_a_setting_that_docusign_does_not_know_is_told(connector: Connector) -> None:
    wish = Wish(profiles=[ProfileWish("Port Sender", {"allowMagic": "true"})])
    with pytest.raises(PermanentError, match="did not take allowMagic"):
        applied(connector, wish)


def test_every_problem_of_a_wish_is_told_at_once(connector: Connector, setup: AccountSetup) -> None:
    held = next(
        p.name
        for p in connector.world.account.profiles.values()
        if not p.is_built_in and any(m.profile_id == p.profile_id for m in holders(connector))
    )
    wish = Wish(
        profiles=[
            ProfileWish("DocuSign Viewer", {"allowBulkSending": "true"}),
            ProfileWish("DS Admin"),
        ],
        groups=["Harbour"],
        administrators=["nobody@example.com"],
        administrator_profile="DocuSign Viewer",
        remove_profiles=[ProfileRemoval(held), ProfileRemoval("DocuSign Sender", "No Such")],
        remove_groups=["harbour"],
        remove_administrators=["NOBODY@example.com"],
    )
    with pytest.raises(ConfigError) as caught:
        setup.plan(account(connector), wish)
    places = [problem.split(": ")[0] for problem in caught.value.problems]
    assert places == [
        "profiles[0]",
        "profiles[1]",
        "administrators[0]",
        "administrator_profile",
        "remove.profiles[0].move_users_to",
        "remove.profiles[1]",
        *(
            ["remove.profiles[1].move_users_to"]
            if "remove.profiles[1].move_users_to" in places
            else []
        ),
        "remove.groups[0]",
        "remove.administrators[0]",
    ]


def holders(connector: Connector):
    return [m for m in connector.world.account.roster if m.status.is_open]


def test_a_named_profile_is_removed_and_its_users_get_another(connector: Connector) -> None:
    applied(connector, Wish(profiles=[SENDER]))
    old = next(
        p
        for p in connector.world.account.profiles.values()
        if not p.is_built_in and any(m.profile_id == p.profile_id for m in holders(connector))
    )
    member = next(m for m in holders(connector) if m.profile_id == old.profile_id)
    wish = Wish(
        profiles=[SENDER],
        remove_profiles=[ProfileRemoval(old.name, "Harbour Sender")],
        remove_groups=["No such group"],
    )
    assert applied(connector, wish, allow_many=True) == ["RemoveProfile"]
    assert member.profile_id == profile(connector, "Harbour Sender").profile_id
    assert applied(connector, wish) == []


def test_a_named_group_is_removed(connector: Connector) -> None:
    applied(connector, Wish(groups=["Harbour"]))
    assert applied(connector, Wish(remove_groups=["harbour"])) == ["RemoveGroup"]
    assert "Harbour" not in {g.name for g in connector.world.account.groups.values()}


def test_administrators_are_made_and_unmade_by_name(connector: Connector) -> None:
    member = next(
        m
        for m in holders(connector)
        if not m.is_admin and m.status.name == "ACTIVE" and not m.user.is_organization_admin
    )
    email = member.user.email
    assert applied(connector, Wish(administrators=[email])) == ["GrantAdministration"]
    assert member.is_admin
    assert applied(connector, Wish(administrators=[email.upper()])) == []
    assert applied(connector, Wish()) == []
    assert member.is_admin
    assert applied(connector, Wish(remove_administrators=[email])) == ["RevokeAdministration"]
    assert not member.is_admin


def test_the_service_user_stays_an_administrator(connector: Connector) -> None:
    email = connector.world.service_user.email
    with pytest.raises(GuardError) as caught:
        applied(connector, Wish(remove_administrators=[email]))
    assert caught.value.guard == "service_user"


def test_a_profile_of_the_service_user_keeps_its_power(connector: Connector) -> None:
    king = ProfileWish("King", {ADMINISTRATION: "true"})
    applied(connector, Wish(profiles=[king]))
    made = profile(connector, "King")
    service = connector.world.account.members[connector.world.state.service_user_id]
    service.profile_id = made.profile_id
    connector.sync()
    less = Wish(profiles=[replace(king, settings={ADMINISTRATION: "false"})])
    with pytest.raises(GuardError) as caught:
        applied(connector, less, allow_many=True)
    assert caught.value.guard == "service_user"
    assert made.is_admin


def test_many_people_s_access_changes_on_a_word_only(tmp_path: Path) -> None:
    connector = connected(tmp_path / "x.db", guards={"max_affected_min": 0, "max_affected_pct": 0})
    old = next(
        p
        for p in connector.world.account.profiles.values()
        if not p.is_built_in and any(m.profile_id == p.profile_id for m in holders(connector))
    )
    wish = Wish(profiles=[ProfileWish(old.name, {"allowBulkSending": "true"})])
    with pytest.raises(GuardError) as caught:
        applied(connector, wish)
    assert caught.value.guard == "max_affected"
    assert "allowBulkSending" not in old.settings
    assert applied(connector, wish, allow_many=True) == ["ChangeProfile"]
    connector.close()


def test_another_plan_than_the_one_agreed_to_is_not_carried_out(
    connector: Connector, setup: AccountSetup
) -> None:
    wish = Wish(groups=["Harbour"])
    with pytest.raises(InvalidRequestError, match="changed since"):
        setup.apply(account(connector), wish, "0" * 16, ACTOR)
    assert "Harbour" not in {g.name for g in connector.world.account.groups.values()}


def test_a_lost_answer_is_read_back_and_a_lost_request_is_told(connector: Connector) -> None:
    connector.world.faults.add(Fault("lose_answer", "POST", "/permission_profiles$"))
    assert applied(connector, Wish(profiles=[SENDER])) == ["CreateProfile"]
    assert len([p for p in connector.world.account.profiles.values() if p.name == SENDER.name]) == 1
    other = ProfileWish("Port Sender", SENDER.settings)
    connector.world.faults.add(Fault("drop", "POST", "/permission_profiles$"))
    with pytest.raises(UnknownOutcomeError):
        applied(connector, Wish(profiles=[other]))
    assert applied(connector, Wish(profiles=[other])) == ["CreateProfile"]


def test_what_a_killed_run_left_is_gone_on_with(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = Wish(profiles=[SENDER], groups=["Harbour", "Port"])
    create = connector.services.groups.create

    def killed(*arguments: object, **options: object) -> object:
        create(*arguments, **options)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(connector.services.groups, "create", killed)
        with pytest.raises(KeyboardInterrupt):
            applied(connector, wish)
    assert applied(connector, wish) == ["CreateGroup"]
    assert applied(connector, wish) == []
