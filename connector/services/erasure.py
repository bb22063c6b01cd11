"""Carries out a person's right to be forgotten: in DocuSign for good, and in our own records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from connector.domain.audit.chain import ERASED
from connector.domain.authentication.console import ConsoleRole
from connector.domain.erasure import LEFT_OUT, Erasure, ErasureState, Redaction
from connector.domain.ledger.resources import Tombstone
from connector.domain.mirror.visibility import held_before
from connector.domain.model import User
from connector.domain.writing import command, require_words
from connector.errors import ConnectorError, ForbiddenError, InvalidRequestError, PermanentError
from connector.ports import TOMBSTONE, USER, UnitOfWork
from connector.services.audit.personal import events_about, events_naming
from connector.services.context import Actor, Principal, Seen, TenantContext, new_id
from connector.services.erasable import refuse_own, refuse_unfinished, require_erasable
from connector.services.locks import WriteLocks, user_key
from connector.services.mirror.actual import load_attributes
from connector.services.mirror.changes import tombstone_id
from connector.services.names_in_use import refuse_names_in_use
from connector.services.naming import names_for
from connector.services.people import (
    Addresses,
    addresses_of,
    get_user,
    is_same_person,
    names_at_work,
)

_log = structlog.get_logger(__name__)

_WAIT_S = 20.0
_CONNECTOR = "connector"
"""The actor of what the connector does of itself."""
_TWO_PEOPLE = "Who asked for an erasure cannot confirm it: another person has to."
_OPEN = (ErasureState.REQUESTED, ErasureState.CONFIRMED)


@dataclass(frozen=True)
class ErasureView:
    """A request to be forgotten, and whom it is about."""

    erasure: Erasure
    subject: User | None
    """None where nothing of the person is left."""
    addresses: Addresses
    """By which addresses the data is looked for."""
    refusal: str | None
    """Why whoever looks cannot confirm it now; None where they can."""


class ErasureService:
    """The use cases around erasure in one tenant.

    What people do raises :class:`~connector.errors.ForbiddenError` for those without the role
    ``administrator``.
    """

    def __init__(self, context: TenantContext, locks: WriteLocks) -> None:
        self._context = context
        self._locks = locks

    # asking -------------------------------------------------------------------

    def request(self, person: str, reason: str, actor: Principal) -> Erasure:
        """Ask for somebody to be forgotten; another person has to confirm it.

        :param person: an address or a user id.
        :raises NotFoundError: nobody of that name is known.
        :raises InvalidRequestError: the person cannot be erased (yet), the message says why.
        :raises ForbiddenError: who asks has no address, by which the other one would be known.
        """
        actor.require(ConsoleRole.ADMINISTRATOR)
        actor.require_address(self._context.tenant)
        reason = require_words(reason, "Say why, such as the number of the person's letter.")
        now = self._context.clock.now()
        with self._context.write() as uow:
            user = get_user(uow, person)
            refuse_own(uow, user, actor)
            require_erasable(uow, self._context, user)
            if any(item.subject_id == user.user_id for item in uow.erasures.search(_OPEN)):
                listed = command(uow.tenant, "erase", "list")
                raise InvalidRequestError(f"There is an erasure of this person already: {listed}.")
            erasure = Erasure(
                erasure_id=new_id(),
                subject_id=user.user_id,
                state=ErasureState.REQUESTED,
                reason=reason,
                requested_by=actor.name,
                requested_at=now,
                requested_email=actor.email,
            )
            uow.erasures.put(erasure)
            self._audit(uow, actor, "erasure.requested", erasure, reason=reason)
            uow.commit()
        return erasure

    def withdraw(self, erasure_id: str, actor: Principal, *, seen: Seen | None = None) -> Erasure:
        """Take a request back that nobody has confirmed.

        :raises InvalidRequestError: it is confirmed or over.
        :raises PreconditionError: it is not what was seen.
        """
        actor.require(ConsoleRole.ADMINISTRATOR)
        with self._context.write(seen) as uow:
            erasure = _requested(uow.erasures.get(erasure_id))
            now = self._context.clock.now()
            erasure = replace(
                erasure, state=ErasureState.WITHDRAWN, finished_at=now, requested_email=""
            )
            uow.erasures.put(erasure)
            self._audit(uow, actor, "erasure.withdrawn", erasure)
            uow.commit()
        return erasure

    def list(self) -> Sequence[Erasure]:
        """Return every request, oldest first."""
        with self._context.read() as uow:
            return uow.erasures.search()

    def get(self, erasure_id: str) -> Erasure:
        """Return a request by its id or a beginning of it that only it has.

        :raises NotFoundError: there is none, or there are several.
        """
        with self._context.read() as uow:
            return uow.erasures.get(erasure_id)

    def addresses(self, erasure_id: str) -> Addresses:
        """Return by which addresses the person's data is looked for; none once it is erased.

        :raises NotFoundError: there is no such request, or there are several.
        """
        with self._context.read() as uow:
            return addresses_of(uow, uow.erasures.get(erasure_id).subject_id)

    def count_requested(self) -> int:
        """Return how many wait for somebody to confirm them."""
        with self._context.read() as uow:
            return len(uow.erasures.search([ErasureState.REQUESTED]))

    def view(self, erasure_id: str, by: Principal) -> ErasureView:
        """Return a request as a person sees it who could confirm it.

        :raises NotFoundError: there is none, or there are several.
        """
        with self._context.read() as uow:
            erasure = uow.erasures.get(erasure_id)
            user = uow.mirror.get_users([erasure.subject_id]).get(erasure.subject_id)
            return ErasureView(
                erasure,
                user,
                addresses_of(uow, erasure.subject_id),
                self._refusal(uow, erasure, user, by),
            )

    def _refusal(
        self, uow: UnitOfWork, erasure: Erasure, user: User | None, by: Principal
    ) -> str | None:
        try:
            by.require(ConsoleRole.ADMINISTRATOR)
            by.require_address(self._context.tenant)
            _requested(erasure)
            if user is not None:
                refuse_own(uow, user, by)
                require_erasable(uow, self._context, user)
        except ConnectorError as error:
            return str(error)
        return _TWO_PEOPLE if _is_who_asked(uow, by, erasure) else None

    # carrying out -------------------------------------------------------------

    def confirm(self, erasure_id: str, actor: Principal, *, seen: Seen | None = None) -> Erasure:
        """Confirm a request and carry it out. Nothing brings the data back.

        :raises InvalidRequestError: it is over, or the person cannot be erased (any more).
        :raises ForbiddenError: the person who asked may not confirm it; it is written down.
        :raises PreconditionError: it is not what was seen.
        """
        actor.require(ConsoleRole.ADMINISTRATOR)
        actor.require_address(self._context.tenant)
        with self._context.write(seen) as uow:
            erasure = _requested(uow.erasures.get(erasure_id))
            is_same = _is_who_asked(uow, actor, erasure)
            if is_same:
                self._audit(uow, actor, "erasure.refused", erasure, reason=_TWO_PEOPLE)
            else:
                erasure = self._confirmed(uow, erasure, actor)
            uow.commit()
        if is_same:
            raise ForbiddenError(_TWO_PEOPLE)
        return self.carry_out(erasure, actor)

    def _confirmed(self, uow: UnitOfWork, erasure: Erasure, actor: Principal) -> Erasure:
        user = uow.mirror.get_users([erasure.subject_id]).get(erasure.subject_id)
        if user is not None:
            refuse_own(uow, user, actor)
            require_erasable(uow, self._context, user)
        erasure = replace(
            erasure,
            state=ErasureState.CONFIRMED,
            confirmed_by=actor.name,
            confirmed_at=self._context.clock.now(),
            requested_email="",
        )
        uow.erasures.put(erasure)
        self._audit(uow, actor, "erasure.confirmed", erasure)
        return erasure

    def carry_out_all(self, actor: Actor) -> Mapping[str, int]:
        """Go on with every confirmed request; return counts by state."""
        counts = {"done": 0, "confirmed": 0}
        with self._context.read() as uow:
            waiting = uow.erasures.search([ErasureState.CONFIRMED])
        for erasure in waiting:
            counts[self.carry_out(erasure, actor).state] += 1
        return counts

    def carry_out(self, erasure: Erasure, actor: Actor) -> Erasure:
        """Have DocuSign erase a person, then forget them here; return how far that came."""
        try:
            with self._locks.hold([user_key(erasure.subject_id)], _WAIT_S):
                return self._carry_out(erasure, actor)
        except ConnectorError as error:
            _log.warning("erasure waits", erasure=erasure.erasure_id, error=str(error))
            return self._keep(erasure, actor, erasure.outcomes, str(error))

    def _carry_out(self, erasure: Erasure, actor: Actor) -> Erasure:
        accounts = self._accounts(erasure)
        outcomes: Mapping[str, str] = {}
        if accounts:
            found = self._context.directory.redact_user(erasure.subject_id, accounts)
            outcomes = {**erasure.outcomes, **found}
        left = [account for account in accounts if not Redaction(outcomes[account]).is_done]
        if left:
            with self._context.read() as uow:
                names = names_for(uow, self._context, ())
            told = ", ".join(f"{names.account(account)}: {outcomes[account]}" for account in left)
            return self._keep(erasure, actor, outcomes, f"DocuSign has not erased {told}.")
        erasure = replace(erasure, outcomes=outcomes or erasure.outcomes)
        try:
            return self._forget(replace(erasure, error=None), actor)
        except InvalidRequestError as error:
            return self._keep(erasure, actor, erasure.outcomes, str(error))

    def _accounts(self, erasure: Erasure) -> Sequence[str]:
        """Return the accounts that DocuSign still has to erase the person in."""
        with self._context.read() as uow:
            user = uow.mirror.get_users([erasure.subject_id]).get(erasure.subject_id)
        known = sorted(user.memberships) if user is not None else sorted(erasure.outcomes)
        done = {name for name, told in erasure.outcomes.items() if Redaction(told).is_done}
        return [account for account in known if account not in done]

    def _keep(
        self, erasure: Erasure, actor: Actor, outcomes: Mapping[str, str], error: str
    ) -> Erasure:
        """Note why an erasure is not done yet; it is tried again."""
        with self._context.write() as uow:
            after = replace(erasure, outcomes=dict(outcomes), error=error)
            uow.erasures.put(after)
            if after != erasure:
                self._audit(uow, actor, "erasure.waits", after, reason=error)
            uow.commit()
        return after

    def _forget(self, erasure: Erasure, actor: Actor) -> Erasure:
        """Erase our own records of the person, in one transaction with what says so."""
        user_id = erasure.subject_id
        with self._context.read() as uow:
            user = uow.mirror.get_users([user_id]).get(user_id)
            addresses = addresses_of(uow, user_id)
            emails = addresses.own
            # A walk over everything, so not in the transaction for which others wait.
            names = names_at_work(uow, user_id, emails) if emails else set[str]()
            mentions = events_naming(uow, names) if names else set()
        with self._context.write() as uow:
            # Confirmed long ago, maybe: they may have asked for something, or agreed, since.
            now = self._context.clock.now()
            refuse_names_in_use(uow, names, now, self._context.tenant)
            refuse_unfinished(uow, user_id, emails, now)
            sequences = sorted(mentions | events_about(uow, user_id))
            actors = uow.erasures.forget_actor(names) if names else ()
            pseudonyms = uow.audit.erase(sequences, actors)
            if user is not None:
                self._keep_hidden(uow, user)
            uow.resources.remove(USER, [user_id])
            uow.resources.remove(TOMBSTONE, [tombstone_id(USER, user_id)])
            uow.attributes.remove(USER, user_id)
            uow.erasures.forget_person(user_id, *emails)
            uow.drift.forget_subject(user_id)
            done = replace(
                erasure,
                state=ErasureState.DONE,
                reason="",
                finished_at=now,
            )
            uow.erasures.put(done)
            # Somebody may have got an address since people saw by which it goes.
            counts = {LEFT_OUT: len(addresses.recycled)}
            facts = {"events": sequences, "actors": pseudonyms, "counts": counts}
            self._context.audit(uow, actor, ERASED, user_id, **facts)
            uow.commit()
        _log.info("erased", erasure=erasure.erasure_id, **counts)
        return done

    def _keep_hidden(self, uow: UnitOfWork, user: User) -> None:
        """Let those who held the address earlier stay unseen by tombstones of their own: the one
        who hid them is gone, and shown, one of them would be re-opened for somebody new."""
        ids = uow.mirror.user_ids_by_email([user.email_key])
        deleted = uow.attributes.deleted_at(USER, ids)
        others = list(uow.mirror.get_users(ids).values())
        freed_at = deleted.get(user.user_id) or self._context.clock.now()
        for other in held_before(user, others, deleted):
            if other.user_id in deleted:
                continue
            external_ids = load_attributes(uow, other.user_id).external_ids
            # Nobody asked for the deletion of these.
            by = _CONNECTOR
            grave = Tombstone(USER, other.user_id, other.email_key, external_ids, freed_at, by)
            uow.attributes.add_tombstone(grave)

    def _audit(
        self, uow: UnitOfWork, actor: Actor, action: str, erasure: Erasure, **more: object
    ) -> None:
        accounts = {"counts": dict(erasure.outcomes)} if erasure.outcomes else {}
        facts = {"item": erasure.erasure_id, **accounts, **more}
        self._context.audit(uow, actor, action, erasure.subject_id, **facts)


def _requested(erasure: Erasure) -> Erasure:
    if erasure.state is not ErasureState.REQUESTED:
        raise InvalidRequestError(
            f"Erasure {erasure.erasure_id} is {erasure.state} already; this is for new ones."
        )
    return erasure


def _is_who_asked(uow: UnitOfWork, person: Principal, erasure: Erasure) -> bool:
    return is_same_person(uow, person, erasure.requested_by, erasure.requested_email)


def require_done(erasure: Erasure) -> Erasure:
    """Return a finished erasure.

    :raises PermanentError: it is not finished; the message says what it waits for.
    """
    if erasure.state is not ErasureState.DONE:
        raise PermanentError(f"Not erased yet. {erasure.error} It is tried again every hour.")
    return erasure
