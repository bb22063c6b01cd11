"""How a membership comes to be open: the call that opens it, and what has to be shown after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from connector.docusign.access import Access
from connector.docusign.admin import AdminApi
from connector.docusign.client import Json
from connector.docusign.errors import NoAnswerError, RefusedError
from connector.docusign.esign_reads import EsignReader
from connector.docusign.esign_writes import EsignWriter
from connector.docusign.members import Members, is_open
from connector.domain.model import User
from connector.domain.plan import CreateMembership, ReopenMembership
from connector.errors import PermanentError, TemporaryError
from connector.ports import Clock, looks
from connector.settings import Behaviour


class Openings:
    """Opens memberships in the way that the settings name and sees that nothing is missing."""

    def __init__(
        self,
        behaviour: Behaviour,
        clock: Clock,
        *,
        access: Access,
        reader: EsignReader,
        writer: EsignWriter,
        admin: AdminApi,
        members: Members,
    ) -> None:
        self._behaviour = behaviour
        self._clock = clock
        self._access = access
        self._reader = reader
        self._writer = writer
        self._admin = admin
        self._members = members

    def create(self, operation: CreateMembership) -> User:
        """Join a person to an account; return the user once DocuSign shows what was asked for.

        Where nobody has to act (claimed domain with an identity provider) through the Admin API.
        """
        if self._activates_at_once(operation):
            user_id = self._admin.create(operation)
            with _after_effect(self._access.called(operation.account_id)):
                self._say_the_rest(operation, user_id)
        else:
            user_id = self._writer.create(operation)
        with _after_effect(self._access.called(operation.account_id)):
            return self._established(operation, user_id)

    def _say_the_rest(self, operation: CreateMembership, user_id: str) -> None:
        """Write the parts of the name that the Admin API does not take."""
        parts = {name: getattr(operation.person, name) for name in ("middle_name", "suffix")}
        unsaid = {name: value for name, value in parts.items() if value}
        if unsaid:
            self._members.update_person(operation.account_id, user_id, unsaid)

    def _activates_at_once(self, operation: CreateMembership) -> bool:
        wanted = operation.auto_activate and self._access.organization_id is not None
        return wanted and self._admin.can_auto_activate(operation.person.email)

    def reopen(self, operation: ReopenMembership) -> User:
        """Re-open a closed membership; return the user once DocuSign shows what was asked for.

        One that is open already only gets profile and groups.
        """
        account_id, user_id = operation.account_id, operation.user_id
        if not is_open(account_id, self._reader.member(account_id, user_id)):
            self._reactivate(operation)
        with _after_effect(self._access.called(operation.account_id)):
            return self._established(operation, user_id)

    def _reactivate(self, operation: ReopenMembership) -> None:
        """Re-open in the configured way, with the profile in the same call."""
        account_id, user_id = operation.account_id, operation.user_id
        profile: Json = {"permissionProfileId": operation.profile_id}
        if self._behaviour.reactivation == "admin_profiles":
            self._admin.reopen(operation)
        elif self._behaviour.reactivation == "user_status":
            self._writer.update(account_id, user_id, {"userStatus": "Active", **profile})
        else:
            self._writer.resend_activation(account_id, user_id, profile)

    def _established(self, operation: CreateMembership | ReopenMembership, user_id: str) -> User:
        """Read the membership back until it is as asked for, giving once more what is missing.

        :raises RefusedError: it stays closed.
        :raises NoAnswerError: it does not show what was asked for.
        """
        account_id, began_at = operation.account_id, self._clock.now()
        lag = timedelta(seconds=self._behaviour.read_after_write_s)
        user, is_at_once = self._look(account_id, user_id, lag, lambda _: True)
        is_given_again = False
        if user is not None and is_open(account_id, user) and not _is_as_asked(user, operation):
            self._give_again(operation, user)
            is_given_again = True
            left = max(timedelta(0), began_at + lag - self._clock.now())
            user, _ = self._look(
                account_id,
                user_id,
                left,
                lambda seen: _is_as_asked(seen, operation, is_given_again=True),
            )
        if user is not None and _is_as_asked(user, operation, is_given_again=is_given_again):
            return _with_profile(account_id, user, operation.profile_id)
        raise self._not_shown(operation, user, has_had_time=is_at_once)

    def _look(
        self, account_id: str, user_id: str, lag: timedelta, is_enough: Callable[[User], bool]
    ) -> tuple[User | None, bool]:
        """Return a member once the membership is open and shows enough, else as it was seen last;
        and whether the first look was enough."""
        user, is_first = None, True
        for _ in looks(self._clock, lag):
            user = self._members.find(account_id, user_id)
            if user is not None and is_open(account_id, user) and is_enough(user):
                return user, is_first
            is_first = False
        return user, False

    def _give_again(self, operation: CreateMembership | ReopenMembership, user: User) -> None:
        """Send what DocuSign did not take over."""
        membership = user.memberships[operation.account_id]
        if membership.profile_id != operation.profile_id:
            self._members.set_profile(operation.account_id, user.user_id, operation.profile_id)
        for group_id in operation.group_ids:
            if group_id not in membership.group_ids:
                self._members.add_to_group(operation.account_id, group_id, [user.user_id])

    def _not_shown(
        self,
        operation: CreateMembership | ReopenMembership,
        user: User | None,
        *,
        has_had_time: bool,
    ) -> NoAnswerError | RefusedError:
        """:param has_had_time: whether what was given again could show as long as any write may
        take; else it may still come."""
        account = self._access.called(operation.account_id)
        if user is not None and not is_open(operation.account_id, user):
            return RefusedError(
                f"DocuSign accepted to open the membership in account {account} and "
                "still shows it as closed. Open it in DocuSign, or try another "
                f"docusign.behaviour.reactivation (now {self._behaviour.reactivation})."
            )
        is_pending = user is not None and user.memberships[operation.account_id].status.is_pending
        if is_pending and has_had_time:
            return RefusedError(
                f"DocuSign opened the membership in account {account} and ignored the "
                "profile or groups that were asked for: the person has not activated it yet. It "
                "is closed again. Let an administrator open it in DocuSign."
            )
        return NoAnswerError(
            f"DocuSign accepted a membership in account {account} and does not show "
            "it with the profile and groups that were asked for."
        )


@contextmanager
def _after_effect(account: str) -> Iterator[None]:
    """Tell the errors of what follows a call that took effect from those of the call itself.

    :param account: what people call the account of the membership.
    :raises NoAnswerError: DocuSign cannot be asked now. No temporary error: that would say that
        nothing was done.
    """
    try:
        yield
    except TemporaryError as error:
        raise NoAnswerError(
            f"DocuSign accepted a membership in account {account}, and it cannot "
            f"be read back now: {error}"
        ) from error
    except PermanentError as error:
        error.is_partial = True
        raise


def _is_as_asked(
    user: User,
    operation: CreateMembership | ReopenMembership,
    *,
    is_given_again: bool = False,
) -> bool:
    membership = user.memberships[operation.account_id]
    has_groups = set(operation.group_ids) <= membership.group_ids
    # A pending user may hide the profile: what was sent counts as taken over.
    was_sent = is_given_again or isinstance(operation, CreateMembership)
    is_hidden = membership.profile_id is None and membership.status.is_pending
    has_profile = membership.profile_id == operation.profile_id or (was_sent and is_hidden)
    return membership.status.is_open and has_groups and has_profile


def _with_profile(account_id: str, user: User, profile_id: str) -> User:
    membership = replace(user.memberships[account_id], profile_id=profile_id)
    return replace(user, memberships={account_id: membership})
