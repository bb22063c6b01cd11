"""The scheduled look at a connection: what is lost is noticed before the next change fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from connector.domain.model import MembershipStatus
from connector.domain.naming.names import account_called
from connector.errors import ConnectorError, PermanentError
from connector.ports import Examiner
from connector.services.consent.checks import ConsentChecks
from connector.services.consent.connecting import ConnectService
from connector.services.consent.key_ages import KeyAges
from connector.services.consent.links import ConsentService, Verdict
from connector.services.context import Actor, TenantContext, new_id

_RENEW_AFTER = timedelta(hours=4)
_WARNED = "connection_expiry_told"


class ConnectionCheck:
    """Looks at one tenant's connection as the job ``consent`` does."""

    def __init__(
        self,
        context: TenantContext,
        examiner: Examiner,
        *,
        consent: ConsentService,
        checks: ConsentChecks,
        keys: KeyAges,
        connecting: ConnectService,
    ) -> None:
        self._context = context
        self._examiner = examiner
        self._consent = consent
        self._checks = checks
        self._keys = keys
        self._connecting = connecting

    def run(self) -> Mapping[str, int]:
        """Request a token, look at the rights of the service user, ask again for some users.

        A lost consent is no failure of the job: the answer is kept and told by itself
        (:class:`connector.services.consent.book.ConsentBook`).

        :raises PermanentError: the service user was demoted, or is a member no longer.
        :raises connector.errors.TemporaryError: DocuSign cannot be asked now.
        """
        self._keys.note()
        if self._is_due():
            verdict, _ = self._consent.look()
            if verdict not in (Verdict.GRANTED, Verdict.PARTIAL):
                return {"lost": 1}
        self._warn_of_expiry()
        problems = list(self._rights())
        if problems:
            raise PermanentError(" ".join(problems))
        counts = {"checked": 1}
        if self._context.settings.grant != "authorization_code":
            counts["users"] = len(self._checks.refresh_some().lines)
        return counts

    def _is_due(self) -> bool:
        """Whether a token is to be asked for: a refresh token is renewed now and then, not at every
        look."""
        grant = self._connecting.grant() if self._connecting.is_used else None
        return grant is None or self._context.clock.now() - grant.refreshed_at > _RENEW_AFTER

    def _warn_of_expiry(self) -> None:
        """Tell once of each grant that somebody should connect again before long."""
        grant = self._connecting.expires_soon(self._context.clock.now())
        if grant is None:
            return
        with self._context.write() as uow:
            if uow.facts().get(_WARNED) == grant.expires_at.isoformat():
                return
            uow.put_fact(_WARNED, grant.expires_at.isoformat())
            actor = Actor("connector", "job", new_id())
            reason = f"The connection to DocuSign ends on {grant.expires_at:%Y-%m-%d}."
            facts = {"expires_at": grant.expires_at.isoformat(), "reason": reason}
            self._context.audit(uow, actor, "connection.expires", "", **facts)
            uow.commit()

    def _rights(self) -> Iterator[str]:
        """Name the accounts in which the service user can do its work no longer."""
        for account in self._context.settings.accounts:
            name = account_called(self._context.settings.accounts, account.account_id)
            try:
                user = self._examiner.service_user(account.account_id)
            except PermanentError as error:
                yield f"The service user is refused in account {name}: {error}"
                continue
            except ConnectorError:
                continue  # DocuSign is away, which other jobs tell.
            membership = user.memberships[account.account_id]
            if membership.status is not MembershipStatus.ACTIVE:
                yield (
                    f"The service user's membership in account {name} is {membership.status}. "
                    "Activate it in DocuSign Admin."
                )
            elif not membership.is_admin:
                yield (
                    f"The service user is no full administrator of account {name} (any more). Give "
                    "it the administrator profile there."
                )
