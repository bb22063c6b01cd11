"""What is expected of DocuSign, and what was found to differ from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.expected import Expected, KnownEntitlement
from connector.domain.drift.findings import Finding, FindingFilter, FindingState


class DriftRepository(Protocol):
    """Expectations and findings. Both are part of the ledger."""

    # what is expected ---------------------------------------------------------

    def expected(self, user_ids: Iterable[str]) -> Mapping[str, Expected]:
        """Return what is expected of people, by id; those without an expectation are left out."""

    def put_expected(self, expected: Iterable[Expected]) -> None:
        """Insert or overwrite expectations."""

    def remove_expected(self, user_id: str) -> None:
        """Expect nothing of a person any more."""

    def expected_but_unknown(self, after: str = "", limit: int = 500) -> Sequence[str]:
        """Return ids of whom something is expected and whom the mirror does not have, in order."""

    def expected_in_group(self, account_id: str, group_id: str) -> Sequence[str]:
        """Return the ids of the users who are expected in a group; reads every expectation."""

    def knows_logins(self) -> bool:
        """Whether DocuSign told of anybody when they last signed in."""

    def known_entitlements(self) -> Mapping[str, KnownEntitlement]:
        """Return profiles and groups as they are expected to be, by SCIM id."""

    def put_known(self, known: Iterable[KnownEntitlement]) -> None:
        """Insert or overwrite what is expected of profiles and groups."""

    def remove_known(self, scim_ids: Iterable[str]) -> None:
        """Expect nothing of profiles and groups any more."""

    # what was found -----------------------------------------------------------

    def add(self, findings: Sequence[Finding]) -> None:
        """Insert findings. At most one of a key is open or reverting.

        :raises connector.errors.UniquenessError: there is one already.
        """

    def save(self, findings: Sequence[Finding]) -> None:
        """Overwrite findings."""

    def get(self, finding_id: str) -> Finding:
        """Return a finding by its id or a beginning of it that only it has.

        :raises connector.errors.NotFoundError: there is none, or there are several.
        """

    def standing(self, subject_ids: Iterable[str]) -> Sequence[Finding]:
        """Return the findings of these subjects that are open or reverting, and of those that time
        brings about (:attr:`DriftKind.is_standing`) the accepted ones."""

    def standing_elsewhere(self, kinds: Iterable[str]) -> Sequence[Finding]:
        """Return the open and reverting findings whose subject is of these kinds."""

    def named(self, finding_ids: Iterable[str]) -> Sequence[Finding]:
        """Return findings by their whole ids, in this order; those that are gone are left out."""

    def count(self, wanted: FindingFilter) -> int:
        """Return how many findings fit."""

    def search(
        self, wanted: FindingFilter, *, after: str = "", limit: int | None = 50
    ) -> Sequence[Finding]:
        """Return findings, the newest first.

        :param after: the id of the last finding of the page before.
        """

    def counts(self) -> Mapping[tuple[DriftKind, FindingState], int]:
        """Return how many findings of each class are in each state."""

    def forget_subject(self, user_id: str) -> None:
        """Delete everything that is known of a person."""
