"""Whether DocuSign lets the connector act for people: what the database keeps of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.consent.code_grants import CodeGrant
from connector.domain.consent.state import ConsentLink, ConsentRecord, ConsentState, TokenOutcome


class TokenListener(Protocol):
    """Hears every answer of the token endpoint."""

    def answered(self, tenant: str, outcome: TokenOutcome) -> None:
        """Take note; it neither waits for the database nor fails."""


class ConsentRepository(Protocol):
    """States of consent, links given out, and the tenant's grant by authorization code."""

    def put(self, *records: ConsentRecord) -> None:
        """Insert or overwrite what is known of users."""

    def of_users(self, user_ids: Iterable[str]) -> Mapping[str, ConsentRecord]:
        """Return what is known, by user id; users of whom nothing is known are left out."""

    def connection(self) -> ConsentRecord | None:
        """Return what is known of the service user, whoever that is now."""

    def checked_before(self, moment: datetime, limit: int) -> Sequence[ConsentRecord]:
        """Return what was checked last before a time, oldest first."""

    def counts(self) -> Mapping[ConsentState, int]:
        """Return how many users are in each state."""

    def add_link(self, link: ConsentLink) -> None:
        """Keep a link that is given out."""

    def find_link(self, link_id: str) -> ConsentLink | None:
        """Return a link by the hash of its state."""

    def use_link(self, link_id: str, at: datetime) -> bool:
        """Use a link up; return whether this call did, and not an earlier one."""

    def purge_links(self, made_before: datetime) -> int:
        """Forget old links; return how many that were."""

    def grant(self) -> CodeGrant | None:
        """Return the tenant's grant."""

    def put_grant(self, grant: CodeGrant, replacing: int) -> bool:
        """Store a grant in place of generation *replacing* (0: of whatever is there); return
        whether it was: somebody may have been faster."""

    def remove_grant(self) -> None:
        """Forget the tenant's grant."""
