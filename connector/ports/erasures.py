"""Requests to be forgotten, and the forgetting."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from connector.domain.erasure import Erasure, ErasureState


class ErasureRepository(Protocol):
    """Requests to be forgotten, and what the database holds of a person beside the audit."""

    def put(self, erasure: Erasure) -> None:
        """Insert or overwrite a request."""

    def get(self, erasure_id: str) -> Erasure:
        """Return a request by its id or a beginning of it that only it has.

        :raises connector.errors.NotFoundError: there is none, or there are several.
        """

    def search(self, states: Iterable[ErasureState] = ()) -> Sequence[Erasure]:
        """Return requests, oldest first; no states means all."""

    def forget_person(self, user_id: str, *emails: str) -> None:
        """Delete what the mirror and the ledger hold of a person. Plans and work items stay, with
        who did what and when, and every text in them replaced; an unfinished plan of a group
        keeps what its end depends on.

        :param emails: the addresses that the person had, looked for in plans that never led to a
            user as well; none, or empty: not known any more.
        """

    def open_items(self, user_id: str, *emails: str) -> Sequence[str]:
        """Return the ids of the open work items that are about a person, or that name them among
        others, oldest first: emptied by :meth:`forget_person`, nobody could carry them out.

        :param emails: the addresses that the person had.
        """

    def names_used(self, names: Collection[str]) -> AbstractSet[str]:
        """Return the folded names of one person, and the logins of the identity provider under
        which these were used: all by which :meth:`forget_actor` goes."""

    def forget_actor(self, names: Collection[str]) -> Sequence[str]:
        """Replace the name of somebody who worked with the connector wherever ledger and console
        say who did what, and delete their accounts, tokens and absences.

        :param names: the folded logins and addresses of one person.
        :return: how the audit calls them.
        """
