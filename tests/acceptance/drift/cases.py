"""Forty kinds of change that people make in DocuSign itself, and what has to be found of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.state.model import Status
from tests.acceptance.drift.native import ANN, Native, Seen

Change = Callable[[Native], object]

GRANT, LOST, CHANGED = "native_grant", "lost_grant", "changed_attribute"
UNMANAGED, VANISHED = "unmanaged_user", "vanished_user"
ADMIN, ENTITLEMENT, GONE, SCIM = (
    "unexpected_organization_admin",
    "changed_entitlement",
    "gone_entitlement",
    "docusign_scim",
)


@dataclass(frozen=True)
class Case:
    """A change, what is found of it, and whether reverting leads back to what was."""

    name: str
    change: Change
    found: frozenset[Seen]
    reverts: bool = True


def _case(name: str, change: Change, *found: Seen, reverts: bool = True) -> Case:
    return Case(name, change, frozenset(found), reverts)


def _both(*changes: Change) -> Change:
    def change(native: Native) -> None:
        for each in changes:
            each(native)

    return change


def _admin_profile(n: Native) -> None:
    n.set_profile(n.ann, n.other_profile(is_admin=True))


def _profile(n: Native) -> None:
    n.set_profile(n.ann, n.other_profile())


def _join(n: Native) -> None:
    n.join(n.ann, n.group(1))


def _leave(n: Native) -> None:
    n.leave(n.ann, n.group())


def _strip_profile(n: Native) -> None:
    n.place(n.ann).profile_id = None


def _new_account(n: Native) -> None:
    n.invite(ANN, "Ann Bell", account=2)


def _close_and_strip(n: Native) -> None:
    n.close(n.ann)
    n.leave(n.ann, n.group())


def _close_all(n: Native) -> None:
    n.close(n.ann, 0)
    n.close(n.ann, 1)


def _remove_all(n: Native) -> None:
    n.remove(n.ann, 0)
    n.remove(n.ann, 1)


def _disable(n: Native) -> None:
    n.place(n.ann, 1).status = Status.DISABLED


def _make_admin(n: Native) -> None:
    n.set_profile(n.ann, n.other_profile(is_admin=True))
    n.user(n.ann).is_organization_admin = True


def _user_scim(n: Native) -> None:
    n.user(n.ann).managed_by_scim = True


def _membership_scim(n: Native) -> None:
    n.place(n.ann, 1).managed_by_scim = True


def _case_of_letters(n: Native) -> None:
    n.readdress(n.ann, ANN.upper())


def _swap_groups(n: Native) -> None:
    _leave(n)
    _join(n)


def _stranger(n: Native) -> None:
    n.invite("mallory@acme.test", "Mallory Moss")


def _stranger_in_two(n: Native) -> None:
    n.invite("mallory@acme.test", "Mallory Moss")
    n.invite("mallory@acme.test", "Mallory Moss", account=1)


def _stranger_and_gone(n: Native) -> None:
    user = n.invite("mallory@acme.test", "Mallory Moss")
    n.close(user.user_id)


def _twin(n: Native) -> None:
    """Bob is closed, and somebody of his name and address is invited anew."""
    n.close(n.bob)
    n.invite(n.user(n.bob).email, "Bob Stone")


def _profile_and_back(n: Native) -> None:
    before = n.place(n.ann).profile_id
    _profile(n)
    n.place(n.ann).profile_id = before


def _group_and_back(n: Native) -> None:
    _leave(n)
    n.join(n.ann, n.group())


def _close_and_reopen(n: Native) -> None:
    n.close(n.bob)
    n.reopen(n.bob)


def _new_group(n: Native) -> None:
    from simulator.state import groups

    group = groups.create(n.state, n.account(), "Made by hand")
    n.join(n.ann, group)


def _empty_group(n: Native) -> None:
    from simulator.state import groups

    groups.create(n.state, n.account(), "Nobody in it")


def _deleted_group(n: Native) -> None:
    n.delete_group(n.group())


def _admin_by_profile(n: Native) -> None:
    profile = n.place(n.ann).profile
    assert profile is not None
    profile.is_admin = True


def _rename_profile(n: Native) -> None:
    profile = n.place(n.ann).profile
    assert profile is not None
    profile.name = "Renamed by hand"


def _delete_profile(n: Native) -> None:
    """Ann's profile is deleted; she is moved to the one that plain members hold."""
    profile = n.place(n.ann).profile
    assert profile is not None
    profile.is_built_in = False
    n.delete_profile(profile, n.account().default_profile_id)


def _group_scim(n: Native) -> None:
    n.set_group_managed(n.group())


CASES = (
    # profiles
    _case("another profile", _profile, (GRANT, "profile")),
    _case("an administrator's profile", _admin_profile, (GRANT, "profile")),
    _case(
        "the profile of the other account",
        lambda n: n.set_profile(n.ann, n.other_profile(1), 1),
        (GRANT, "profile"),
    ),
    _case("a profile taken", _strip_profile, (LOST, "profile")),
    _case("a profile and back", _profile_and_back),
    # groups
    _case("a group joined", _join, (GRANT, "group")),
    _case("a group left", _leave, (LOST, "group")),
    _case("a group left and another joined", _swap_groups, (LOST, "group"), (GRANT, "group")),
    _case("a group left and joined again", _group_and_back),
    _case("a group joined by a plain member", lambda n: n.join(n.bob, n.group()), (GRANT, "group")),
    _case("a new group joined", _new_group, (GRANT, "group")),
    _case("a new group without members", _empty_group),
    # memberships
    _case("one membership closed", lambda n: n.close(n.ann), (LOST, "membership")),
    _case("one membership closed and stripped", _close_and_strip, (LOST, "membership")),
    _case("one membership disabled", _disable, (LOST, "membership"), reverts=False),
    _case("one membership removed", lambda n: n.remove(n.ann, 1), (LOST, "membership")),
    _case("another account joined", _new_account, (GRANT, "membership")),
    _case("closed and opened again", _close_and_reopen),
    # whole users
    _case("a user closed", lambda n: n.close(n.bob), (VANISHED, "")),
    _case("a user closed everywhere", _close_all, (VANISHED, "")),
    _case("a user removed everywhere", _remove_all, (VANISHED, ""), reverts=False),
    _case("a user created", _stranger, (UNMANAGED, "")),
    _case("a user created in two accounts", _stranger_in_two, (UNMANAGED, "")),
    _case("a user created and closed again", _stranger_and_gone),
    _case("a user closed and created anew", _twin, (VANISHED, ""), (UNMANAGED, ""), reverts=False),
    # attributes
    _case("another name", lambda n: n.rename_user(n.ann, "Ann", "Gray"), (CHANGED, "name")),
    _case("another first name", lambda n: n.rename_user(n.bob, "Rob", "Stone"), (CHANGED, "name")),
    _case("another address", lambda n: n.readdress(n.ann, f"new.{ANN}"), (CHANGED, "email")),
    _case("the address in capitals", _case_of_letters),
    _case(
        "another job title", lambda n: n.set_work(n.ann, job_title="Boss"), (CHANGED, "job_title")
    ),
    _case("another company", lambda n: n.set_work(n.ann, company="Rival"), (CHANGED, "company")),
    _case(
        "another name and address",
        _both(
            lambda n: n.rename_user(n.ann, "Ann", "Gray"),
            lambda n: n.readdress(n.ann, f"new.{ANN}"),
        ),
        (CHANGED, "name"),
        (CHANGED, "email"),
    ),
    # administrators
    _case(
        "an organization administrator",
        _make_admin,
        (GRANT, "profile"),
        (ADMIN, "role"),
        reverts=False,
    ),
    # the catalogue
    _case(
        "a group renamed", lambda n: n.rename_group(n.group(), "Other name"), (ENTITLEMENT, "name")
    ),
    _case("a group deleted", _deleted_group, (GONE, ""), reverts=False),
    _case("a profile renamed", _rename_profile, (ENTITLEMENT, "name"), reverts=False),
    _case(
        "a profile that makes administrators",
        _admin_by_profile,
        (ENTITLEMENT, "is_admin"),
        reverts=False,
    ),
    _case("a profile deleted", _delete_profile, (GONE, ""), (GRANT, "profile"), reverts=False),
    # DocuSign's own SCIM
    _case("a user managed by DocuSign's SCIM", _user_scim, (SCIM, ""), reverts=False),
    _case("a membership managed by DocuSign's SCIM", _membership_scim, (SCIM, ""), reverts=False),
    _case("a group managed by DocuSign's SCIM", _group_scim, (SCIM, ""), reverts=False),
    # several at once
    _case(
        "a profile, a group and a name",
        _both(_profile, _join, lambda n: n.rename_user(n.ann, "Ann", "Gray")),
        (GRANT, "profile"),
        (GRANT, "group"),
        (CHANGED, "name"),
    ),
    _case(
        "one account closed, the other changed",
        _both(lambda n: n.close(n.ann), lambda n: n.set_profile(n.ann, n.other_profile(1), 1)),
        (LOST, "membership"),
        (GRANT, "profile"),
    ),
    _case(
        "two users, two accounts",
        _both(lambda n: n.close(n.bob), _new_account, _stranger),
        (VANISHED, ""),
        (GRANT, "membership"),
        (UNMANAGED, ""),
    ),
)
