"""The record of what happened: checked, searched, explained, anchored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from connector.domain.audit.chain import Break, ChainCheck, break_at_anchor
from connector.domain.audit.events import AuditEvent, AuditFilter, AuditHead
from connector.domain.audit.story import Entitlements, Outcome, Story, stories
from connector.domain.policy.entitlement_rules import administering_roles
from connector.errors import NotFoundError, PermanentError
from connector.ports import AnchorSink, UnitOfWork
from connector.services.audit.export import FORMS, begun
from connector.services.audit.questions import (
    Administration,
    Explanation,
    administers_organization,
    administration_of,
    attested_by_people,
    events_about,
    gone,
    held_by,
    mentions,
    named,
    refuse_several,
)
from connector.services.context import Actor, TenantContext
from connector.services.people import user_ids_of

_log = structlog.get_logger(__name__)

_ANCHOR = "audit.anchor"
_TOLD = "chain_break_told"
"""A fact: where the chain did not agree with its last anchor, as people were told."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SEQUENCE = 2**63 - 1
"""The largest number that a database can look for."""
_EMPTIED = (
    "there is no event at all, though the tenant has API clients or plans, each of which began "
    "with one: all events were deleted"
)


@dataclass(frozen=True)
class Verification:
    """What a walk over the whole chain found."""

    head: AuditHead
    count: int
    anchors: int
    """Anchors that were compared."""
    broken: Break | None = None


class AuditService:
    """The use cases around the audit of one tenant."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    # the chain ----------------------------------------------------------------

    def verify(self, anchors: Mapping[int, str] | None = None) -> Verification:
        """Walk over the whole chain and say whether anything was altered. It has to agree with what
        the database itself says of the past too, though whoever can write there can alter both.

        :param anchors: hashes by sequence, as they were noted elsewhere.
        """
        given = anchors or {}
        with self._context.read() as uow:
            last = _noted(uow)
            noted = {last.sequence: last.hash} if last else {}
            check = ChainCheck({**noted, **given})
            for event in uow.audit.walk():
                check.take(event)
            head = uow.audit.head()
            broken = check.finish(head)
            if broken is None and not check.count and _has_history(uow):
                broken = Break(1, _EMPTIED)
        return Verification(head, check.count, len(given), broken)

    def anchor(self, sinks: Iterable[AnchorSink], actor: Actor) -> AuditHead | None:
        """Note outside the database where the chain stands, and tell it to the channels that want
        to know; None where nothing has happened since the last anchor.

        :raises PermanentError: the chain is not the one that the last anchor knows. Nothing is
            noted then, and people are told once.
        """
        places = list(sinks)
        broken = self._break_at_last(places)
        self._tell_once(broken, actor)
        _require_whole(broken)
        head = self.head()
        with self._context.write() as uow:
            last = _noted(uow)
            # The event about the last anchor alone is no reason for another.
            if head.sequence <= (last.sequence if last else 0) + 1:
                return None
            now = self._context.clock.now()
            for sink in places:
                sink.write(self._context.tenant, head, now)
            uow.put_fact(_ANCHOR, {"sequence": head.sequence, "hash": head.hash})
            facts = {"sequence": head.sequence, "hash": head.hash}
            self._context.audit(uow, actor, "audit.anchored", "", **facts)
            uow.commit()
        return head

    def anchor_at(self, sink: AnchorSink) -> AuditHead:
        """Note in one place outside the database where the chain stands.

        :raises PermanentError: the chain is not the one that the last anchor there knows, or the
            place cannot be written to.
        """
        _require_whole(self._break_at_last([sink]))
        head = self.head()
        sink.write(self._context.tenant, head, self._context.clock.now())
        return head

    def _break_at_last(self, sinks: Iterable[AnchorSink]) -> Break | None:
        """Return where the chain is not the one that the last anchors know, the sinks' and the one
        that the database noted."""
        given = [sink.last(self._context.tenant) for sink in sinks]
        with self._context.read() as uow:
            anchors = filter(None, (*given, _noted(uow)))
            return next(filter(None, (_against(uow, anchor) for anchor in anchors)), None)

    def _tell_once(self, broken: Break | None, actor: Actor) -> None:
        told = None if broken is None else {"sequence": broken.sequence, "reason": broken.reason}
        with self._context.read() as uow:
            if uow.facts().get(_TOLD) == told:
                return
        with self._context.write() as uow:
            uow.put_fact(_TOLD, told)
            if told is not None:
                self._context.audit(uow, actor, "audit.broken", "", **told)
            uow.commit()

    def head(self) -> AuditHead:
        """Return where the chain ends."""
        with self._context.read() as uow:
            return uow.audit.head()

    # finding ------------------------------------------------------------------

    def walk(
        self, wanted: AuditFilter, *, person: str = "", entitlement: str = ""
    ) -> Iterator[AuditEvent]:
        """Return the matching events in order.

        :param person: an address or a user id: what is about them or names them, such as a change
            of a group's members, and what led to it.
        :param entitlement: an id or a name.
        :raises NotFoundError: nobody, or nothing, of that name is known.
        """
        with self._context.read() as uow:
            named = self._entitlements(uow, entitlement) if entitlement else None
            if person:
                users = self._user_ids(uow, person)
                wanted = replace(wanted, people=users, with_requests=True)
            for event in uow.audit.walk(wanted):
                if named is None or mentions(event, named):
                    yield event

    def search(
        self, wanted: AuditFilter, *, person: str = "", entitlement: str = "", limit: int = 50
    ) -> Sequence[AuditEvent]:
        """Return the newest matching events, the newest first; see :meth:`walk`."""
        if person or entitlement:
            found = list(self.walk(wanted, person=person, entitlement=entitlement))
            return found[: -limit - 1 : -1]
        with self._context.read() as uow:
            return uow.audit.events(wanted=wanted, newest_first=True, limit=limit)

    def user_ids(self, person: str) -> Sequence[str]:
        """Return everybody whom an address or a user id may mean.

        :raises NotFoundError: nobody of that name is known.
        """
        with self._context.read() as uow:
            return self._user_ids(uow, person)

    def event(self, sequence: int) -> AuditEvent:
        """Return one event.

        :raises NotFoundError: there is none of this number.
        """
        if 0 < sequence <= _LAST_SEQUENCE:
            with self._context.read() as uow:
                if (event := _event(uow, sequence)) is not None:
                    return event
        raise NotFoundError(f"There is no event {sequence}.")

    def export(
        self, wanted: AuditFilter, form: str, actor: Actor, *, person: str = "", asked: str = ""
    ) -> tuple[str, Iterator[str]]:
        """Return the media type and the text of the matching events, written as they are read. That
        somebody took them along is an event too.

        :param form: one of :data:`connector.services.audit.export.FORMS`.
        :param asked: what they asked for, as the event says it.
        :raises NotFoundError: nobody of that name is known.
        """
        with self._context.write() as uow:
            self._context.audit(uow, actor, "console.audit_exported", "", form=form, asked=asked)
            uow.commit()
        mimetype, write = FORMS[form]
        return mimetype, write(begun(self.walk(wanted, person=person)))

    # explaining ---------------------------------------------------------------

    def explain(
        self,
        person: str,
        entitlement: str,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Explanation:
        """Return every change of an entitlement of a person that was asked for or took effect in
        a period, with its whole story. What that is worth, :meth:`verify` says.

        :param person: an address or a user id.
        :param entitlement: its id, its name, ``any-admin`` for whatever profile makes an
            administrator of an account and for administering the organization, or
            ``account-admin`` for the profiles alone.
        :raises NotFoundError: nobody, or nothing, of that name is known.
        :raises InvalidRequestError: several users have or had the address: one story of them all
            would be nobody's.
        """
        with self._context.read() as uow:
            users = self._user_ids(uow, person)
            refuse_several(uow, users)
            wanted = self._entitlements(uow, entitlement)
            told = [
                story
                for user_id in users
                for story in stories(events_about(uow, user_id, wanted), wanted, user_id)
            ]
            roles = self._context.policy.roles
            held = {one for user_id in users for one in held_by(uow, user_id, roles)}
            attested = {one for user_id in users for one in attested_by_people(uow, user_id)}
            administers = administers_organization(uow, users)
        told.sort(key=lambda story: (story.at, story.recorded.sequence))
        return Explanation(
            users,
            wanted,
            [story for story in told if story.is_within(since, until)],
            _last_before(told, since),
            sorted((held | attested) & wanted.scim_ids),
            person,
            administration=administration_of(entitlement),
            is_organization_admin=administers,
            attested=sorted((attested - held) & wanted.scim_ids),
            of_organization=wanted.roles & administering_roles(roles),
        )

    def _user_ids(self, uow: UnitOfWork, person: str) -> tuple[str, ...]:
        users = user_ids_of(uow, person)
        if not users:
            raise NotFoundError(
                f"Nobody on the address {person} is known. Give the user's id: an address that was "
                "erased leads to nobody."
            )
        return users

    def _entitlements(self, uow: UnitOfWork, text: str) -> Entitlements:
        catalogue = uow.mirror.catalogue()
        found = named(text, catalogue, self._context.policy.roles) or gone(text, catalogue)
        if not found:
            raise NotFoundError(
                f"There is no permission profile, group or role {text!r}. Give its id or its name, "
                f"{Administration.ANYTHING} for whatever makes an administrator of an account or "
                f"of the organization, or {Administration.ACCOUNTS} for the accounts alone."
            )
        return found


def _last_before(told: Iterable[Story], since: datetime | None) -> Story | None:
    """Return the last change that took effect before a period, None where that has no beginning."""
    if since is None:
        return None
    done = [story for story in told if story.outcome is Outcome.DONE and story.at < since]
    return done[-1] if done else None


def _noted(uow: UnitOfWork) -> AuditHead | None:
    """Return the last anchor as the database noted it."""
    fact = uow.facts().get(_ANCHOR)
    return AuditHead(int(fact["sequence"]), str(fact["hash"])) if fact else None


def _event(uow: UnitOfWork, sequence: int) -> AuditEvent | None:
    found = uow.audit.events(after=sequence - 1, limit=1)
    return next((event for event in found if event.sequence == sequence), None)


def _against(uow: UnitOfWork, anchor: AuditHead) -> Break | None:
    """Return where the chain is not the one that an anchor knows, None where it is."""
    return break_at_anchor(anchor, uow.audit.head(), _event(uow, anchor.sequence))


def _require_whole(broken: Break | None) -> None:
    """Let a chain pass that its last anchors know.

    :raises PermanentError: it is another one.
    """
    if broken is None:
        return
    _log.error("the audit chain is broken", sequence=broken.sequence, reason=broken.reason)
    raise PermanentError(
        f"The audit chain is broken at event {broken.sequence}: {broken.reason}. No anchor was "
        "added. Keep database and anchors as they are for whoever looks into it, and run "
        "`docusign-iga audit verify`. Where the database was restored from a backup, keep the old "
        "file and name a new one in audit.anchor_file."
    )


def _has_history(uow: UnitOfWork) -> bool:
    """Whether something is there that is never kept without an event."""
    if uow.clients.list():
        return True
    return next(iter(uow.plans.since(_EPOCH)), None) is not None
