"""Entitlements and roles: what can be asked for. DocuSign and the configuration make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from connector.ports import ENTITLEMENT, ROLE, TOMBSTONE
from connector.scim_handlers.reading import StoredReader
from scim.errors import NotAllowed
from scim.handlers import PatchOperation, RequestContext, Resource


class _Catalogue(StoredReader):
    """A resource type that clients only read."""

    source: str

    def create(self, context: RequestContext, resource: Resource) -> NoReturn:
        """Refuse.

        :raises NotAllowed: always.
        """
        self._refuse()

    def replace(self, context: RequestContext, scim_id: str, resource: Resource) -> NoReturn:
        """Refuse.

        :raises NotAllowed: always.
        """
        self._refuse()

    def patch(
        self, context: RequestContext, scim_id: str, operations: Sequence[PatchOperation]
    ) -> NoReturn:
        """Refuse.

        :raises NotAllowed: always.
        """
        self._refuse()

    def delete(self, context: RequestContext, scim_id: str) -> NoReturn:
        """Refuse.

        :raises NotAllowed: always.
        """
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotAllowed(
            f"{self.kind} resources are readOnly: {self.source}.",
            allow=("GET", "HEAD", "OPTIONS"),
        )


class EntitlementHandler(_Catalogue):
    """The permission profiles of the governed accounts."""

    kind = ENTITLEMENT
    source = "permission profiles are made in DocuSign; grant them by entitlements of a User"


class RoleHandler(_Catalogue):
    """The roles that people grant."""

    kind = ROLE
    source = "roles are declared in the configuration; ask for them by roles of a User"


class TombstoneHandler(_Catalogue):
    """What is gone."""

    kind = TOMBSTONE
    source = "each stands for a resource that was deleted or that clients see no more"
