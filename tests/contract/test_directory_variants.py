"""A membership lives through every way in which DocuSign may behave."""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from connector.docusign import errors
from connector.domain.model import MembershipStatus
from simulator.state.model import Status
from simulator.variants import Variants
from tests.connector import ManualClock
from tests.contract.directories import (
    NEW,
    creation,
    custom_group,
    directory_of,
    other_profile,
    reopening,
)
from tests.simulated import simulated

ROOT = Path(__file__).parents[2]
HAS_ITS_OWN_TESTS = {
    "invited_admin_flag": "tests/services/tasks/test_other_administrators.py",
    "delegated_admin_flag": "tests/services/tasks/test_other_administrators.py",
    "foreign_admin_flag": "tests/services/tasks/test_other_administrators.py",
    "bare_refusals": "tests/contract/test_directory_failures.py",
    "export_fails": "tests/services/test_exported_aggregation.py",
    "export_shows_closed": "tests/services/test_exported_aggregation.py",
    "export_polls": "tests/services/test_exported_aggregation.py",
    "broken_token_status": "tests/contract/test_directory_failures.py",
    "group_change_maximum": "tests/contract/test_directory_changes.py",
    # Lists of one page neither repeat nor drop anybody.
    "list_repeats": "tests/contract/test_directory_lists.py",
    "list_drops": "tests/contract/test_directory_lists.py",
    # The connector changes nobody of whom it knows that they are closed.
    "put_closed": "tests/services/test_closed_meanwhile.py",
    "limit_headers": "tests/contract/test_directory_failures.py",
    "limit_status": "tests/contract/test_directory_failures.py",
    "monitor": "tests/services/test_monitor.py",
    "monitor_lag_s": "tests/services/test_monitor.py",
    "monitor_repeats": "tests/services/test_monitor.py",
    "monitor_shuffles": "tests/services/test_monitor.py",
    "monitor_drops": "tests/services/test_monitor.py",
    "monitor_forgets_cursors": "tests/services/test_monitor.py",
    "refresh_rotation": "tests/acceptance/connecting/test_staying_connected.py",
    "refresh_days": "tests/acceptance/connecting/test_staying_connected.py",
    "token_error_status": "tests/contract/test_directory_failures.py",
    "suspended": "tests/acceptance/test_doctor.py",
    # Without a way to re-open, re-opening is refused, which is no life.
    "reopen_by_resend": "tests/contract/test_directory_changes.py",
    "reopen_by_status": "tests/contract/test_directory_changes.py",
    "reopen_by_admin_profiles": "tests/contract/test_directory_changes.py",
    # Nor is it one to be neither changed nor given back what one held.
    "put_pending": "tests/services/test_pending_users.py",
    # The connector never sends groupList in an update; the probe does.
    "put_group_list": "tests/services/test_probe.py",
}
NUMBERS = {
    "admin_take_maximum": (2,),
    "people_modified_within_days": (30,),
    "modified_lag_s": (60,),
    "stale_reads": (2,),
}
BEHAVIOUR: dict[tuple[str, object], dict[str, str]] = {
    ("rename_by", "full"): {"rename_fields": "full"},
    ("modified_since", "date"): {"modified_since": "date"},
    ("list_profile_ids", "wrong"): {"list_profile_ids": "by_name"},
}
"""What the settings say of a DocuSign that behaves so."""
ADA = replace(
    NEW,
    email="ada.lovelace@northwind-freight.example",
    user_name="Ada Lovelace",
    middle_name="",
)
"""On a claimed domain, where somebody can be active at once."""
REACTIVATIONS = ("resend_activation", "user_status", "admin_profiles")


def choices(name: str, hint: Any) -> tuple[object, ...]:
    if name in NUMBERS:
        return NUMBERS[name]
    return (True, False) if hint is bool else get_args(hint)


VARIANTS = [
    (name, value)
    for name, hint in get_type_hints(Variants).items()
    if name not in HAS_ITS_OWN_TESTS
    for value in choices(name, hint)
]


class Watched:
    """Variants that know which of them were looked at."""

    def __init__(self, variants: Variants) -> None:
        self._variants = variants
        self.looked_at: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.looked_at.add(name)
        return getattr(self._variants, name)


class Life:
    """What may happen to somebody in an account, with what has to be so afterwards."""

    def __init__(self, reactivation: str, name: str, value: object) -> None:
        varied: dict[str, Any] = {name: value}
        self.world = simulated(n_users=10, **varied)
        self.watched: Any = Watched(self.world.state.variants)
        state: Any = self.world.state
        state.variants = self.watched
        self.account = self.world.account
        self.account_id = self.account.account_id
        self.clock = ManualClock()
        told = BEHAVIOUR.get((name, value), {})
        self.directory = directory_of(
            self.world, clock=self.clock, reactivation=reactivation, **told
        )
        self.began_at = self.clock.now() - timedelta(hours=1)

    def runs(self) -> None:
        user_id = self.joins()
        self.is_changed(user_id)
        self.changes_groups(user_id)
        self.hands_over(user_id)
        self.leaves(user_id)
        self.comes_back(user_id)
        self.is_modified(user_id)
        self.is_listed(user_id)
        self.leaves(user_id, strip=True)
        self.leaves(user_id, strip=True)
        self.is_created_again(user_id)
        self.is_erased(user_id)

    def membership(self, user_id: str) -> Any:
        return next(item for item in self.account.roster if item.user.user_id == user_id)

    def shown(self, user_id: str) -> Any:
        return self.directory.get_member(self.account_id, user_id)

    def joins(self) -> str:
        user = self.directory.create_member(creation(self.world, person=ADA))
        assert user.memberships[self.account_id].status.is_open
        # A second creation is refused, or tells who is there; nobody is there twice.
        with pytest.raises(errors.ExistsError):
            self.directory.create_member(creation(self.world, person=ADA))
        assert len(self.world.state.on_address(ADA.email)) == 1
        return str(user.user_id)

    def is_changed(self, user_id: str) -> None:
        renamed = {"first_name": "Augusta", "user_name": "Augusta Lovelace"}
        self.directory.update_person(self.account_id, user_id, {**renamed, "company": "Looms"})
        self.directory.set_profile(
            self.account_id, user_id, other_profile(self.membership(user_id))
        )
        user = self.membership(user_id).user
        assert user.user_name == "Augusta Lovelace"
        assert self.membership(user_id).company == "Looms"

    def changes_groups(self, user_id: str) -> None:
        group_id = custom_group(self.account).group_id
        for _ in range(2):
            self.directory.add_group_members(self.account_id, group_id, [user_id])
        assert group_id in self.membership(user_id).group_ids
        for _ in range(2):
            self.directory.remove_group_members(self.account_id, group_id, [user_id])
        assert group_id not in self.membership(user_id).group_ids
        made = self.directory.create_group(self.account_id, "Looms")
        with suppress(errors.ExistsError):
            second = self.directory.create_group(self.account_id, "Looms")
            self.directory.delete_group(self.account_id, second.group_id)
        self.directory.rename_group(self.account_id, made.group_id, "Engines")
        self.directory.delete_group(self.account_id, made.group_id)
        self.directory.delete_group(self.account_id, made.group_id)

    def hands_over(self, user_id: str) -> None:
        other = self.world.member().user.user_id
        try:
            rule_id = self.directory.create_transfer_rule(self.account_id, user_id, other)
        except errors.FeatureMissingError:
            assert not self.watched.transfer_rules
            return
        assert self.directory.find_transfer_rule(self.account_id, user_id, other) == rule_id
        for _ in range(2):
            self.directory.delete_transfer_rule(self.account_id, rule_id)

    def is_modified(self, user_id: str) -> None:
        pages = self.directory.iter_modified(self.account_id, self.began_at)
        modified = {item for page in pages for item in page}
        assert user_id in modified or self.watched.modified_lag_s
        people = {user.user_id: user for user in self.directory.get_people(ADA.email)}
        group_ids = people[user_id].memberships[self.account_id].group_ids
        assert group_ids == self.shown(user_id).memberships[self.account_id].group_ids

    def leaves(self, user_id: str, *, strip: bool = False) -> None:
        self.directory.close_member(self.account_id, user_id, strip=strip)
        assert self.membership(user_id).status is Status.CLOSED
        while any(self.shown(user_id).open_memberships()):
            pass  # A close is confirmed before anything follows it.

    def comes_back(self, user_id: str) -> None:
        wanted = reopening(self.membership(user_id))
        user = self.directory.reopen_member(wanted)
        assert user.memberships[self.account_id].status.is_open
        membership = self.membership(user_id)
        assert membership.profile_id == wanted.profile_id
        assert set(wanted.group_ids) <= set(membership.group_ids)

    def is_listed(self, user_id: str) -> None:
        pages = self.directory.iter_users(self.account_id)
        shown = {user.user_id: user for page in pages for user in page.users}
        profile_id = shown[user_id].memberships[self.account_id].profile_id
        assert profile_id in (self.membership(user_id).profile_id, None)
        groups = self.directory.list_groups(self.account_id).groups
        assert {item.group_id for item in groups} == set(self.account.groups)

    def is_created_again(self, user_id: str) -> None:
        """A closed user comes back, or a new one beside them: the caller sees which."""
        person = replace(ADA, first_name="Augusta", user_name="Augusta Lovelace")
        wanted = creation(self.world, person=person, auto_activate=True)
        user = self.directory.create_member(wanted)
        activates = self.watched.auto_activation != "never"
        assert activates == (self.membership(user.user_id).status is Status.ACTIVE) or (
            self.watched.created_status == "Active"
        )
        assert (user.user_id == user_id) == (self.watched.recreate_closed == "reopens")
        assert user.memberships[self.account_id].status is not MembershipStatus.CLOSED
        self.leaves(user.user_id)

    def is_erased(self, user_id: str) -> None:
        self.membership(user_id).closed_at -= timedelta(days=2)
        told = self.directory.redact_user(user_id, [self.account_id])
        expected = "pending" if self.watched.redaction_is_pending else "success"
        assert told == {self.account_id: expected}


@pytest.mark.parametrize("reactivation", REACTIVATIONS)
@pytest.mark.parametrize(("name", "value"), VARIANTS, ids=str)
def test_membership_lives_through_every_variant(name, value, reactivation):
    life = Life(reactivation, name, value)
    life.runs()
    # Else the run says nothing of the variant. What a way to re-open asks is met where it is used.
    assert name in life.watched.looked_at or not is_met(name, reactivation)


def is_met(name: str, reactivation: str) -> bool:
    by_admin = reactivation == "admin_profiles"
    return {"reopened_status": not by_admin, "admin_groups": by_admin}.get(name, True)


def test_every_field_is_met_or_tested_elsewhere():
    fields = get_type_hints(Variants)
    assert not set(HAS_ITS_OWN_TESTS) - set(fields)
    assert not [
        name
        for name, hint in fields.items()
        if hint is int and name not in {*NUMBERS, *HAS_ITS_OWN_TESTS}
    ]
    for name, module in HAS_ITS_OWN_TESTS.items():
        assert is_varied(name, (ROOT / module).read_text()), f"{module} does not vary {name}"


def is_varied(name: str, source: str) -> bool:
    """Return whether a module gives a variant a value: as an argument (of what is none of the
    connector's settings), in a dict, or by its name among the parameters of a test."""
    return any(name in _varied_by(node) for node in ast.walk(ast.parse(source)))


def _varied_by(node: ast.AST) -> set[object]:
    if isinstance(node, ast.Dict):
        found = (*node.keys, *node.values)
        return {item.value for item in found if isinstance(item, ast.Constant)}
    if not isinstance(node, ast.Call) or ast.unparse(node.func).endswith("Settings"):
        return set()
    if ast.unparse(node.func).endswith("mark.parametrize"):
        values = (item for given in node.args[1:] for item in ast.walk(given))
        return {item.value for item in values if isinstance(item, ast.Constant)}
    return {keyword.arg for keyword in node.keywords}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("simulated(monitor='forbidden')", True),
        ("{'monitor': value}", True),
        ("@pytest.mark.parametrize('name', ['monitor'])\ndef test(): ...", True),
        ("@pytest.mark.parametrize('monitor', [1])\ndef test(): ...", False),
        ("from connector import monitor", False),
        ("'monitor'", False),
        ("AggregationSettings(monitor=1)", False),
        ("start(monitor_lag_s=1)", False),
    ],
)
def test_only_a_value_varies_a_field(source, expected):
    assert is_varied("monitor", source) is expected
