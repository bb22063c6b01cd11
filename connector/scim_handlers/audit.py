"""Writes every SCIM request that asks for a change into the audit, refused ones included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connector.errors import ConnectorError
from connector.scim_handlers.ports import Application, actor_of
from scim.errors import ScimError
from scim.handlers import RequestContext

_RESOURCE = 2
"""Segments of the path of one resource."""
_LONGEST = 200
"""Characters of a path, or of the id in it, that are kept."""


class RequestAudit:
    """See :attr:`scim.service.ScimService.around_write`."""

    def __init__(self, application: Application) -> None:
        self._application = application

    @contextmanager
    def around(self, context: RequestContext, method: str, path: str) -> Iterator[None]:
        """Note a request; the transaction that records its plan takes the note along.

        A refusal is an event of its own. Bodies, headers and queries are not noted.
        """
        journal, tenant = self._application.journal, context.caller.tenant
        segments = path.strip("/").split("/")
        # In an index: one too long for that would keep all later notes from the database, too.
        subject = segments[1][:_LONGEST] if len(segments) == _RESOURCE else ""
        facts: dict[str, object] = {"method": method, "path": path[:_LONGEST]}
        if context.dry_run:
            facts["kind"] = "dry_run"
        with self._application.acting(tenant, actor_of(context).name):
            journal.note(tenant, "request.received", subject, facts)
            try:
                yield
            except ScimError as error:
                refusal = {**facts, "status": error.status, "code": error.scim_type}
                refusal["reason"] = str(error)
                if isinstance(error.__cause__, ConnectorError) and error.__cause__.user_ids:
                    refusal["user_ids"] = list(error.__cause__.user_ids)
                journal.note(tenant, "request.refused", subject, refusal)
                raise
            except Exception as error:
                facts = {**facts, "status": 500, "error_code": type(error).__name__}
                journal.note(tenant, "request.refused", subject, facts)
                raise
