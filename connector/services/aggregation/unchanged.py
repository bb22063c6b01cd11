"""Tells which users a full aggregation need not write: what they are rendered from is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from connector.domain.audit.chain import canonical
from connector.domain.model import Catalogue, User
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.mirror.presentation import Presenter

_FACT = "rendered"
_THOROUGH = "thorough_at"


class Unchanged:
    """Remembers for each account what its users were last rendered from, besides themselves.

    Users whom DocuSign shows as the mirror has them are then passed over. Once in
    ``aggregation.thorough_every_days`` everybody is written anyway, whatever went wrong before.
    """

    def __init__(self, context: TenantContext, presenter: Presenter) -> None:
        self._context = context
        self._presenter = presenter

    def begins_thoroughly(self, uow: UnitOfWork) -> bool:
        """Return whether it is time for a run that passes nobody over."""
        last = (uow.facts().get(_FACT) or {}).get(_THOROUGH)
        if last is None:
            return True
        age = self._context.clock.now() - datetime.fromisoformat(last)
        days = self._context.settings.aggregation.thorough_every_days
        # A clock that was ahead must not put it off for ever.
        return not timedelta(0) <= age < timedelta(days=days)

    def is_known(self, uow: UnitOfWork, account_id: str) -> bool:
        """Return whether the account's users were all rendered from what holds now."""
        return bool(self._known(uow).get(account_id) == self._digest(uow, account_id))

    def remember(self, uow: UnitOfWork, account_id: str) -> None:
        """Note that the account's users are rendered from what holds now."""
        known = {**self._known(uow), account_id: self._digest(uow, account_id)}
        uow.put_fact(_FACT, known)

    def ran_thoroughly(self, uow: UnitOfWork, started_at: datetime) -> None:
        """Note that a run which passed nobody over is done."""
        uow.put_fact(_FACT, {**self._known(uow), _THOROUGH: started_at.isoformat()})

    def is_same(self, known: User | None, read: User) -> bool:
        """Return whether a user needs no writing, where the account :meth:`is_known`."""
        # Closed users may come out of sight by the mere passing of time.
        return known == read and any(True for _ in read.open_memberships())

    def _known(self, uow: UnitOfWork) -> Mapping[str, str]:
        return dict(uow.facts().get(_FACT) or {})

    def _digest(self, uow: UnitOfWork, account_id: str) -> str:
        catalogue = _of_account(uow.mirror.catalogue(), account_id)
        seed = canonical([self._presenter.fingerprint, catalogue])
        return hashlib.sha256(seed.encode()).hexdigest()


def _of_account(catalogue: Catalogue, account_id: str) -> list[object]:
    account = catalogue.accounts.get(account_id)
    profiles = [item for key, item in catalogue.profiles.items() if key[0] == account_id]
    groups = [item for key, item in catalogue.groups.items() if key[0] == account_id]
    return [
        asdict(account) if account else None,
        sorted((item.profile_id, item.name, item.is_admin) for item in profiles),
        sorted((item.group_id, item.name, str(item.group_type)) for item in groups),
    ]
