"""Settles by trying what documentation leaves open, with users that it makes and closes itself.

Whatever is made is written down first, so that a probe that was killed is cleaned up by the next.
Nobody else's user is touched. What no trial settles without people or harm (limits that are used
up, the last administrator, delegated administrators) is left alone and said so.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from connector.domain.diagnosis.probing import QUESTIONS, Answer, ProbeNotes
from connector.domain.model import User
from connector.errors import ConnectorError, InvalidRequestError
from connector.ports.probing import Prober
from connector.services.context import Actor, TenantContext, new_id
from connector.services.doctor.probe_trials import Trials

_log = structlog.get_logger(__name__)

_FACT = "probe"
ESTIMATE = 100
"""Calls to DocuSign at most, the cleaning up included."""
MADE = "up to three users on an address beginning with iga-probe, and one group"


class ProbeService:
    """Tries out one account of a tenant."""

    def __init__(self, context: TenantContext, prober: Prober) -> None:
        self._context = context
        self._prober = prober

    @property
    def environment(self) -> str:
        """Where it would be tried."""
        return self._prober.environment

    def left_over(self) -> ProbeNotes | None:
        """Return what a probe that was killed may have left."""
        with self._context.read() as uow:
            known = uow.facts().get(_FACT)
        return ProbeNotes(**known) if known else None

    def run(
        self,
        actor: Actor,
        *,
        account_id: str,
        domain: str,
        force: bool = False,
        report: Callable[[str], None] = lambda _: None,
    ) -> list[Answer]:
        """Try everything and return the answers, in the order of the questions.

        :param domain: of the addresses of the users that are made. DocuSign may write to them.
        :param force: in production too.
        :raises InvalidRequestError: this is production, or no account of the tenant.
        """
        if self.environment == "production" and not force:
            raise InvalidRequestError(
                "This is production. The probe makes users and closes them, which stays in the "
                "account's records for ever: run it in a demo account, or say --force."
            )
        if account_id not in {item.account_id for item in self._context.settings.accounts}:
            raise InvalidRequestError(f"This customer has no account {account_id}.")
        self.clean_up(actor)
        notes = ProbeNotes(new_id(), account_id)
        trials = Trials(
            self._prober,
            self._context.clock,
            notes=notes,
            keep=self._keep,
            service_user_id=self._context.settings.user_id,
            domain=domain,
        )
        self._audit(actor, "probe.begun", account_id)
        answers = []
        try:
            for question in QUESTIONS:
                report(question.asks)
                answers.append(trials.answer(question))
        finally:
            report("Cleaning up")
            self.clean_up(actor)
        self._audit(actor, "probe.done", account_id)
        return answers

    def clean_up(self, actor: Actor) -> int:
        """Close and delete what a probe made; return how many that were.

        :raises connector.errors.ConnectorError: DocuSign cannot be asked now; it is known for the
            next time.
        """
        notes = self.left_over()
        if notes is None:
            return 0
        gone = sum(self._close_all(notes.account_id, email) for email in notes.emails)
        for name in notes.groups:
            for group_id in self._prober.groups_named(notes.account_id, name):
                self._prober.delete_group(notes.account_id, group_id)
                gone += 1
        with self._context.write() as uow:
            uow.put_fact(_FACT, None)
            uow.commit()
        if gone:
            self._audit(actor, "probe.cleaned_up", notes.account_id, count=gone)
        return gone

    def _close_all(self, account_id: str, email: str) -> int:
        found = [user for user in self._prober.on_address(account_id, email) if _is_open(user)]
        for user in found:
            try:
                self._prober.close(account_id, user.user_id)
            except ConnectorError as error:
                if _is_open(self._prober.read(account_id, user.user_id)):
                    raise
                _log.info("a probe's user was closed already", error=str(error))
        return len(found)

    def _keep(self, notes: ProbeNotes) -> None:
        with self._context.write() as uow:
            uow.put_fact(_FACT, notes.as_data())
            uow.commit()

    def _audit(self, actor: Actor, action: str, account_id: str, **facts: object) -> None:
        with self._context.write() as uow:
            self._context.audit(uow, actor, action, "", account_id=account_id, **facts)
            uow.commit()


def _is_open(user: User) -> bool:
    return any(user.open_memberships())
