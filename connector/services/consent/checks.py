"""Can this user be impersonated? Answered by trying, kept with its time, at a gentle pace.

Programs that act in somebody's name (embedded sending and signing) fail at the first envelope of
whoever has not agreed; this tells before. No token is kept: nobody is impersonated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from connector.domain.consent.links import ESIGN_SCOPES, Way
from connector.domain.consent.state import ConsentRecord, ConsentState, TokenOutcome
from connector.domain.model import User, fold
from connector.domain.notifications import Notice
from connector.errors import ConnectorError, InvalidRequestError, NotFoundError, TemporaryError
from connector.ports import GROUP, USER, Examiner, ResourceQuery, UnitOfWork
from connector.purpose import Purpose, calling_for
from connector.services.browsing.search import holding, user_filter
from connector.services.browsing.views import UserQuery
from connector.services.consent.book import ConsentBook
from connector.services.consent.links import ConsentService
from connector.services.context import Actor, TenantContext
from connector.services.outbox import send_to
from connector.services.people import nobody_is
from scim.filters import AttributePath, Comparison, Operator

FRESH_FOR = timedelta(hours=24)
"""A younger answer is believed."""
_PAGE = 200
_SLICE = 20
"""Users whom the scheduled check asks for again in one run."""


@dataclass(frozen=True)
class ConsentLine:
    """One user and what is known."""

    user_id: str
    name: str
    email: str
    record: ConsentRecord
    asked_now: bool
    """False: the answer was young enough."""


@dataclass
class ConsentReport:
    """What a check came to."""

    lines: list[ConsentLine] = field(default_factory=list)
    left: int = 0
    """Users who were not reached."""
    paused_for_s: float = 0.0
    """How long DocuSign, or the budget, wants to be left alone; 0: the check went through."""
    reason: str = ""
    """Why it stopped."""

    @property
    def lacking(self) -> list[ConsentLine]:
        """Those whom nobody can act for."""
        return [line for line in self.lines if line.record.state is not ConsentState.GRANTED]


class ConsentChecks:
    """Asks for users of one tenant."""

    def __init__(
        self,
        context: TenantContext,
        examiner: Examiner,
        *,
        book: ConsentBook,
        links: ConsentService,
        per_minute: int,
    ) -> None:
        """:param per_minute: tokens that are asked for at most."""
        self._context = context
        self._examiner = examiner
        self._book = book
        self._links = links
        self._pause_s = 60.0 / per_minute

    # whom ---------------------------------------------------------------------

    def people(self, names: Iterable[str]) -> Sequence[User]:
        """Return users by address or id.

        :raises NotFoundError: nobody is known by one of them.
        """
        with self._context.read() as uow:
            return [self._person(uow, name) for name in names]

    def _person(self, uow: UnitOfWork, name: str) -> User:
        if "@" in name:
            found = list(uow.mirror.users_by_email([fold(name)]).get(fold(name), ()))
            found = [user for user in found if any(user.open_memberships())] or found
        else:
            found = list(uow.mirror.get_users([name.lower()]).values())
        if not found:
            raise NotFoundError(nobody_is(uow.tenant, name))
        return found[-1]

    def members(self, group: str) -> Sequence[User]:
        """Return the active members of a group, by its id or name.

        :raises NotFoundError: there is no such group.
        """
        with self._context.read() as uow:
            if uow.resources.find(GROUP, group) is None:
                named = Comparison(AttributePath("displayName"), Operator.EQ, group)
                found = uow.resources.search(ResourceQuery(GROUP, named, count=2)).resources
                if len(found) != 1:
                    how = "Several groups are" if found else "No group is"
                    raise NotFoundError(f"{how} called {group!r}. Give its id.")
                group = found[0].scim_id
            return self._search(uow, UserQuery(active=True, group=group))

    def everyone(self) -> Sequence[User]:
        """Return every active user but the service user, whose consent is the connection's."""
        with self._context.read() as uow:
            return self._search(uow, UserQuery(active=True))

    def _search(self, uow: UnitOfWork, query: UserQuery) -> Sequence[User]:
        found: list[User] = []
        after: int | None = 0
        while after is not None:
            wanted = ResourceQuery(
                USER, user_filter(query), holding=holding(query), count=_PAGE, after=after
            )
            page = uow.resources.search(wanted)
            ids = [item.scim_id for item in page.resources]
            users = uow.mirror.get_users(ids)
            own = self._context.settings.user_id
            found += [users[item] for item in ids if item in users and item != own]
            after = page.next_after
        return found

    # asking -------------------------------------------------------------------

    def check(
        self,
        users: Sequence[User],
        *,
        max_age: timedelta = FRESH_FOR,
        report: Callable[[int], None] = lambda _: None,
    ) -> ConsentReport:
        """Ask for each user of whom nothing young enough is known, one after the other.

        It stops where DocuSign or the budget wants a pause, and goes on from there when it is
        called again: what was asked is known.

        :param report: hears how many are done.
        :raises InvalidRequestError: the tenant has no impersonation to check.
        """
        if self._context.settings.grant == "authorization_code":
            raise InvalidRequestError(
                "This tenant is connected by authorization code: nobody is impersonated, so there "
                "is no consent of users to check."
            )
        known = self._book.of_users([user.user_id for user in users])
        domains = self._claimed_domains()
        result, asked = ConsentReport(), 0
        for place, user in enumerate(users):
            record = known.get(user.user_id)
            is_fresh = record is not None and record.is_fresh(self._context.clock.now(), max_age)
            if record is None or not is_fresh:
                if asked:
                    self._context.clock.sleep(self._pause_s)
                try:
                    record = self._ask(user, domains)
                except TemporaryError as error:
                    result.left = len(users) - place
                    result.paused_for_s, result.reason = error.retry_after_s, str(error)
                    return result
                asked += 1
            result.lines.append(
                ConsentLine(user.user_id, user.user_name, user.email, record, not is_fresh)
            )
            report(place + 1)
        return result

    def refresh_some(self) -> ConsentReport:
        """Ask again for some of those who were asked for before, the oldest answers first."""
        before = self._context.clock.now() - FRESH_FOR
        with self._context.read() as uow:
            known = uow.consents.checked_before(before, _SLICE + 1)
            ids = [record.user_id for record in known if not record.is_connection]
            users = uow.mirror.get_users(ids)
        wanted = [users[user_id] for user_id in ids if user_id in users]
        return self.check([user for user in wanted if any(user.open_memberships())])

    def _ask(self, user: User, domains: frozenset[str] | None) -> ConsentRecord:
        now = self._context.clock.now()
        outcome = TokenOutcome(user.user_id, ESIGN_SCOPES, now)
        try:
            with calling_for(Purpose.CONSENT):
                granted = self._examiner.try_out(user.user_id, ESIGN_SCOPES)
        except ConnectorError as error:
            if isinstance(error, TemporaryError) or not error.trouble:
                raise
            outcome = replace(outcome, trouble=error.trouble, said=str(error))
        else:
            outcome = replace(outcome, granted=granted)
        domain = user.email.rpartition("@")[2].lower()
        covered = None if domains is None else domain in domains
        return self._book.keep(outcome, in_claimed_domain=covered)

    def _claimed_domains(self) -> frozenset[str] | None:
        try:
            return self._context.directory.claimed_domains()
        except ConnectorError:
            return None  # Whether an address is covered is worth knowing, and no reason to stop.

    # inviting -----------------------------------------------------------------

    def invite(self, lines: Iterable[ConsentLine], actor: Actor) -> Iterator[tuple[str, str, bool]]:
        """Ask each of them to agree for themselves: ``(address, link, whether it is on its way)``.

        Left out are those whom an agreement would not help, such as closed users. A link goes out
        by the channels that name ``invitation.consent``; where none does, somebody has to send it
        by hand.
        """
        for line in lines:
            if line.record.state not in (ConsentState.MISSING, ConsentState.PARTIAL):
                continue
            with self._context.write() as uow:
                link = self._links.keep_link(
                    uow,
                    Way.INDIVIDUAL,
                    ESIGN_SCOPES,
                    user_id=line.user_id,
                    made_by=actor.name,
                )
                sent = send_to(
                    uow,
                    self._context.settings.notifications,
                    self._context.clock.now(),
                    notice=Notice.CONSENT_INVITATION,
                    subject_id=line.user_id,
                    payload={"link": link},
                )
                self._context.audit(uow, actor, "consent.invited", line.user_id)
                uow.commit()
            yield line.email, link, sent > 0
