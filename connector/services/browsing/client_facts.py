"""What SCIM clients say of a person, for pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.domain.ledger.resources import ClientAttributes
from connector.domain.model import fold
from connector.ports import UnitOfWork
from connector.services.browsing.views import ClientFacts
from connector.services.people import manager_of
from mappings.model import CORE_USER, ENTERPRISE_USER

_GONE = "a client that is gone"


def client_facts(uow: UnitOfWork, attributes: ClientAttributes) -> ClientFacts:
    """Return what is kept of a user for clients."""
    core, enterprise = (_section(attributes, name) for name in (CORE_USER, ENTERPRISE_USER))
    manager = manager_of(uow, attributes.scim_id)
    known = uow.mirror.users_by_email([fold(manager)]).get(fold(manager), ()) if manager else ()
    given = enterprise.get("manager")
    raw = given.get("value") if isinstance(given, Mapping) else given
    return ClientFacts(
        list(_external_ids(uow, attributes)),
        str(core.get("title") or ""),
        str(enterprise.get("department") or ""),
        manager or str(raw or ""),
        known[0].user_id if len(known) == 1 else "",
    )


def _section(attributes: ClientAttributes, schema: str) -> Mapping[str, Any]:
    found = attributes.kept.get(schema)
    return found if isinstance(found, Mapping) else {}


def _external_ids(uow: UnitOfWork, attributes: ClientAttributes) -> Iterator[tuple[str, str]]:
    clients = uow.clients.list() if attributes.external_ids else ()
    for scope, external_id in attributes.external_ids.items():
        names = [client.client_id for client in clients if client.external_id_scope == scope]
        yield ", ".join(names) or _GONE, external_id
