"""What is known of consent in one tenant, kept and told where it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from connector.domain.consent.state import (
    ConsentRecord,
    ConsentState,
    TokenOutcome,
    is_worse,
    learned,
)
from connector.domain.diagnosis.trouble import Trouble
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext, new_id
from connector.services.mirror.writer import MirrorWriter

LOST, GRANTED, REFUSED = "consent.lost", "consent.granted", "connection.refused"
"""Audit actions, each also a notice."""


class ConsentBook:
    """Writes down the answers of the token endpoint for one tenant."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter) -> None:
        self._context = context
        self._mirror = mirror

    def keep(self, outcome: TokenOutcome, in_claimed_domain: bool | None) -> ConsentRecord:
        """Keep what an answer about a user tells, and return what is known now."""
        with self._context.write() as uow:
            before = uow.consents.of_users([outcome.user_id]).get(outcome.user_id)
            after = learned(before, outcome)
            if after is None:
                after = ConsentRecord(
                    outcome.user_id,
                    ConsentState.REFUSED,
                    outcome.at,
                    outcome.at,
                    outcome.trouble,
                    outcome.said,
                )
            after = replace(
                after,
                in_claimed_domain=in_claimed_domain,
                is_connection=self._is_connection(outcome),
            )
            uow.consents.put(after)
            if before is None or _shown(before) != _shown(after):
                self._mirror.rerender_users(uow, [outcome.user_id])
            uow.commit()
        return after

    def record(self, outcome: TokenOutcome) -> None:
        """Keep what an answer tells; a change of the service user's is told to people."""
        with self._context.write() as uow:
            before = uow.consents.of_users([outcome.user_id]).get(outcome.user_id)
            after = learned(before, outcome)
            if after is None or after is before or _is_older(before, outcome):
                return
            is_connection = self._is_connection(outcome)
            uow.consents.put(replace(after, is_connection=is_connection))
            if is_connection:
                self._tell(uow, before, after)
            elif before is None or _shown(before) != _shown(after):
                self._mirror.rerender_users(uow, [outcome.user_id])
            uow.commit()

    def connection(self) -> ConsentRecord | None:
        """Return what is known of the service user, on whom everything rests."""
        with self._context.read() as uow:
            return uow.consents.connection()

    def of_users(self, user_ids: Iterable[str]) -> Mapping[str, ConsentRecord]:
        """Return what is known of users, by user id."""
        with self._context.read() as uow:
            return uow.consents.of_users(user_ids)

    def _is_connection(self, outcome: TokenOutcome) -> bool:
        """Whether it is about the service user of now: another may have been it before."""
        return outcome.user_id == self._context.settings.user_id

    def _tell(self, uow: UnitOfWork, before: ConsentRecord | None, after: ConsentRecord) -> None:
        """Append an audit event where the connection got worse, or works again."""
        was = before.state if before else ConsentState.UNKNOWN
        if after.state is ConsentState.GRANTED:
            action = GRANTED if was not in (ConsentState.UNKNOWN, ConsentState.GRANTED) else ""
        elif after.cause == Trouble.CONSENT_REQUIRED:
            action = LOST if is_worse(was, after.state) else ""
        else:
            cause = before.cause if before else ""
            action = REFUSED if after.cause != cause else ""
        if action:
            facts = {
                "state": str(after.state),
                "was": str(was),
                "code": after.cause,
                "scopes": sorted(after.missing),
                "reason": after.said,
            }
            actor = Actor("connector", "job", new_id())
            self._context.audit(uow, actor, action, "", **facts)


def _shown(record: ConsentRecord) -> tuple[object, ...]:
    """Return what readers of the user see."""
    return record.state, record.cause, record.since, record.in_claimed_domain


def _is_older(before: ConsentRecord | None, outcome: TokenOutcome) -> bool:
    """Whether another process has written down a later answer."""
    return before is not None and outcome.at < before.checked_at
