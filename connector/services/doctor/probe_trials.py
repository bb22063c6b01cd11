"""The trials of a probe: a method for a question of :mod:`connector.domain.diagnosis.probing`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from connector.domain.diagnosis.probing import Answer, Clarity, ProbeNotes, Question
from connector.domain.model import MembershipStatus, User
from connector.domain.writing import counted
from connector.errors import ConnectorError, TemporaryError
from connector.ports import Clock
from connector.ports.probing import Prober

_LOOK_AGAIN_S = 0.25
"""Then twice as long, and so on."""
_PATIENCE_S = 15.0
"""How long is waited until DocuSign shows what was written."""
_AHEAD = timedelta(minutes=10)
_WAYS = ("resend_activation", "user_status", "admin_profiles")
_LARGE_PAGE = 1000
_ALONE = "This account shows only one page"


class Trials:
    """Tries one account, and remembers what it made."""

    def __init__(
        self,
        prober: Prober,
        clock: Clock,
        *,
        notes: ProbeNotes,
        keep: Callable[[ProbeNotes], None],
        service_user_id: str,
        domain: str,
    ) -> None:
        """:param keep: writes down what is about to be made."""
        self._prober = prober
        self._clock = clock
        self._notes = notes
        self._keep = keep
        self._service_user_id = service_user_id
        self._domain = domain
        self._account_id = notes.account_id
        self._user_id = ""
        self._group_id = ""
        self._slowest_s = 0.0
        self._ignores_pending = False

    def answer(self, question: Question) -> Answer:
        """Try, and return what it showed; what DocuSign refuses is an answer too.

        :raises TemporaryError: DocuSign, or the budget, wants a pause: no answer could be trusted.
        """
        try:
            clarity, found, *value = getattr(self, f"_{question.code}")()
        except TemporaryError:
            raise
        except ConnectorError as error:
            return Answer(question, Clarity.UNCLEAR, f"DocuSign refused the trial: {error}")
        return Answer(question, clarity, found, *value)

    # what lists tell ----------------------------------------------------------

    def _profile_ids_in_lists(self) -> tuple[Clarity, str, str]:
        listed = {item.user_id: item for item in self._prober.first_users(self._account_id)}
        shown = listed.get(self._service_user_id)
        user_id = self._service_user_id if shown else next(iter(listed), "")
        held = self._prober.read(self._account_id, user_id).memberships[self._account_id].profile_id
        told = listed[user_id].profile_id
        if told == held:
            return Clarity.SETTLED, "Yes: list and single read agree.", "trust"
        words = f"No: the list says {told or 'nothing'}, the single read {held}."
        return Clarity.SETTLED, words, "by_name"

    def _groups_in_lists(self) -> tuple[Clarity, str, str]:
        # Everybody active is in Everyone, so that an active user without groups is not told.
        listed = self._prober.first_users(self._account_id)
        if listed and all(item.has_groups for item in listed):
            return Clarity.SETTLED, "Yes, for every active user of the first page.", "yes"
        return Clarity.SETTLED, "No: at least one active user comes without.", "no"

    # users of its own ---------------------------------------------------------

    def _made(self, name: tuple[str, str] = ("Iga", "Probe")) -> str:
        """Create a user; the address is written down before."""
        email = f"iga-probe-{self._notes.run_id[:8]}@{self._domain}"
        if email not in self._notes.emails:
            self._notes.emails.append(email)
            self._keep(self._notes)
        profile_id = next(item for item, is_admin in self._profiles() if not is_admin)
        return self._prober.create(self._account_id, email, name, profile_id)

    def _profiles(self) -> list[tuple[str, bool]]:
        return list(self._prober.profiles(self._account_id))

    def _user(self) -> User:
        if not self._user_id:
            self._user_id = self._made()
        return self._prober.read(self._account_id, self._user_id)

    def _status(self, user: User) -> MembershipStatus:
        return user.memberships[self._account_id].status

    def _group(self) -> str:
        if not self._group_id:
            name = f"IGA probe {self._notes.run_id[:8]}"
            self._notes.groups.append(name)
            self._keep(self._notes)
            self._group_id = self._prober.create_group(self._account_id, name)
        return self._group_id

    def _until(self, shows: Callable[[User], bool]) -> bool:
        """Read until DocuSign shows something; remember how long that took."""
        began, wait_s = self._clock.now(), _LOOK_AGAIN_S
        while True:
            if shows(self._prober.read(self._account_id, self._user_id)):
                waited_s = (self._clock.now() - began).total_seconds()
                self._slowest_s = max(self._slowest_s, waited_s)
                return True
            if (self._clock.now() - began).total_seconds() >= _PATIENCE_S:
                return False
            self._clock.sleep(wait_s)
            wait_s *= 2

    def _created_status(self) -> tuple[Clarity, str]:
        return Clarity.SETTLED, f"It is {self._status(self._user())}."

    def _pending_changes(self) -> tuple[Clarity, str]:
        user = self._user()
        if not self._status(user).is_pending:
            return Clarity.UNCLEAR, "Users are active at once here: there is nobody to try."
        try:
            self._update({"firstName": "Ida", "lastName": "Probe", "userName": "Ida Probe"})
        except TemporaryError:
            raise
        except ConnectorError as error:
            self._ignores_pending = True
            return Clarity.SETTLED, f"No, it is refused: {error}"
        if self._until(lambda shown: shown.first_name == "Ida"):
            return Clarity.SETTLED, "Yes."
        self._ignores_pending = True
        return Clarity.SETTLED, "No: the change is answered as done, and ignored."

    def _update(self, body: dict[str, object]) -> None:
        self._prober.update(self._account_id, self._user_id, body)

    def _rename_by(self) -> tuple[Clarity, str] | tuple[Clarity, str, str]:
        if self._ignores_pending:
            words = "The trial's user is pending, and those cannot be changed here."
            return Clarity.UNCLEAR, words
        self._user()
        self._update({"firstName": "Eva", "lastName": "Parts"})
        parts = self._until(lambda shown: shown.last_name == "Parts")
        self._update({"userName": "Eva Full"})
        full = self._until(lambda shown: shown.user_name == "Eva Full")
        if parts and full:
            return Clarity.SETTLED, "Both first and last name, and the full name.", "parts"
        if parts or full:
            obeyed = "parts" if parts else "full"
            words = "First and last name only." if parts else "The full name only."
            return Clarity.SETTLED, words, obeyed
        return Clarity.UNCLEAR, "Neither was taken over within 15 seconds."

    def _read_after_write(self) -> tuple[Clarity, str] | tuple[Clarity, str, float]:
        if self._ignores_pending:
            return Clarity.UNCLEAR, "The trial's user is pending, and those cannot be changed here."
        words = f"At most {self._slowest_s:.1f} seconds in this probe."
        return Clarity.SETTLED, words, float(max(2, math.ceil(2 * self._slowest_s)))

    def _group_list_in_updates(self) -> tuple[Clarity, str]:
        if self._ignores_pending:
            return Clarity.UNCLEAR, "The trial's user is pending, and those cannot be changed here."
        self._user()
        before = self._group()
        self._update({"groupList": [{"groupId": before}]})
        joined = self._until(lambda shown: before in shown.memberships[self._account_id].group_ids)
        if not joined:
            return Clarity.SETTLED, "Nothing: it is ignored."
        self._update({"groupList": []})
        stays = before in self._user().memberships[self._account_id].group_ids
        return Clarity.SETTLED, "It adds." if stays else "It replaces the groups."

    def _member_twice(self) -> tuple[Clarity, str]:
        self._user()
        group_id = self._group()
        self._prober.add_member(self._account_id, group_id, self._user_id)
        refused = self._prober.add_member(self._account_id, group_id, self._user_id)
        return (
            Clarity.SETTLED,
            f"It is refused: {refused}" if refused else "It is answered as done.",
        )

    def _exists_tells_id(self) -> tuple[Clarity, str]:
        self._user()
        user = self._prober.read(self._account_id, self._user_id)
        try:
            self._made((user.first_name, user.last_name))
        except TemporaryError:
            raise
        except ConnectorError as error:
            told = getattr(error, "user_id", None) == self._user_id
            return Clarity.SETTLED, "Yes." if told else "No: only that it is refused."
        return Clarity.SETTLED, "It is not refused: there are two users on the address now."

    def _close_twice(self) -> tuple[Clarity, str]:
        self._close()
        try:
            self._prober.close(self._account_id, self._user_id)
        except TemporaryError:
            raise
        except ConnectorError as error:
            return Clarity.SETTLED, f"It is refused: {error}"
        return Clarity.SETTLED, "It is answered as done."

    def _close(self) -> None:
        if self._status(self._user()) is not MembershipStatus.CLOSED:
            self._prober.close(self._account_id, self._user_id)
            self._until(lambda shown: self._status(shown) is MembershipStatus.CLOSED)

    def _reactivation(self) -> tuple[Clarity, str] | tuple[Clarity, str, str]:
        seen = {way: self._tried_way(way) for way in self._possible_ways()}
        words = "; ".join(f"{way}: {told or 'it stays closed'}" for way, told in seen.items())
        works = [way for way, told in seen.items() if told]
        if not works:
            return Clarity.SETTLED, f"In none of the known ways. {words}."
        return Clarity.SETTLED, f"{words}.", works[0]

    def _possible_ways(self) -> list[str]:
        return [item for item in _WAYS if item != "admin_profiles" or self._prober.has_organization]

    def _tried_way(self, way: str) -> str:
        """Return what became of a closed user, empty where it stays closed or is refused."""
        self._close()
        user = self._user()
        try:
            self._prober.reopen(self._account_id, self._with_profile(user), way)
        except TemporaryError:
            raise
        except ConnectorError:
            return ""
        if not self._until(lambda shown: self._status(shown).is_open):
            return ""
        after = self._user().memberships[self._account_id]
        kept = "keeps" if after.group_ids else "loses"
        return f"{after.status}, and {kept} the groups"

    def _with_profile(self, user: User) -> User:
        """Return the user with a profile to name: DocuSign may hide that of a closed one."""
        membership = user.memberships[self._account_id]
        if membership.profile_id:
            return user
        profile_id = next(item for item, is_admin in self._profiles() if not is_admin)
        return replace(
            user, memberships={self._account_id: replace(membership, profile_id=profile_id)}
        )

    def _recreation(self) -> tuple[Clarity, str]:
        self._close()
        user = self._user()
        again = self._made((user.first_name, user.last_name))
        if again == self._user_id:
            self._close()
            return Clarity.SETTLED, "It opens the same user again."
        self._prober.close(self._account_id, again)
        return Clarity.SETTLED, "It makes a second user on the address."

    # the Admin API ------------------------------------------------------------

    def _page_size(self) -> tuple[Clarity, str] | tuple[Clarity, str, int]:
        if not self._prober.has_organization:
            return Clarity.UNCLEAR, "There is no organization."
        page = self._prober.admin_page(self._account_id, _LARGE_PAGE)
        if page.has_more:
            return (
                Clarity.SETTLED,
                f"{counted(page.count, 'user')}, asked for {_LARGE_PAGE}.",
                page.count,
            )
        return Clarity.UNCLEAR, f"{_ALONE} ({counted(page.count, 'user')}): the maximum is not met."

    def _modified_since(self) -> tuple[Clarity, str] | tuple[Clarity, str, str]:
        if not self._prober.has_organization:
            return Clarity.UNCLEAR, "There is no organization."
        email, now = self._user().email, self._clock.now()
        if not self._prober.is_modified_since(self._account_id, email, f"{now:%Y-%m-%d}"):
            words = (
                "The trial's user, changed a moment ago, is not shown among today's changes yet."
            )
            return Clarity.UNCLEAR, words
        soon = now + _AHEAD
        if soon.date() != now.date():
            return Clarity.UNCLEAR, "It is too near to midnight (UTC) to tell."
        try:
            # Nobody was modified later than now, unless only the date counts.
            since = soon.isoformat(timespec="seconds")
            is_shown = self._prober.is_modified_since(self._account_id, email, since)
        except TemporaryError:
            raise
        except ConnectorError as error:
            return Clarity.SETTLED, f"A date alone; a time is refused: {error}", "date"
        if is_shown:
            return Clarity.SETTLED, "Only the date of what is given counts.", "date"
        return Clarity.SETTLED, "A time with its zone.", "time"

    def _profiles_of_all(self) -> tuple[Clarity, str]:
        if not self._prober.has_organization:
            return Clarity.UNCLEAR, "There is no organization."
        shown, asked = 0, 0
        for item in list(self._prober.first_users(self._account_id))[:3]:
            email = self._prober.read(self._account_id, item.user_id).email
            asked += 1
            shown += self._prober.is_organization_admin(email) is not None
        if shown == asked:
            return Clarity.SETTLED, f"All {asked} users that were asked for are shown."
        return Clarity.SETTLED, f"Only {shown} of {asked} users that were asked for are shown."

    def _admin_flag(self) -> tuple[Clarity, str]:
        if not self._prober.has_organization:
            return Clarity.UNCLEAR, "There is no organization."
        email = self._prober.read(self._account_id, self._service_user_id).email
        flag = self._prober.is_organization_admin(email)
        if flag is None:
            return Clarity.UNCLEAR, "users/profile does not show the service user."
        return Clarity.SETTLED, f"Yes: it says {'yes' if flag else 'no'} of the service user."

    def _limit_headers(self) -> tuple[Clarity, str]:
        if self._prober.tells_limits(self._account_id):
            return Clarity.SETTLED, "Yes."
        return Clarity.SETTLED, "No: 3,000 calls an hour are assumed."
