"""The processes that run over this database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from connector.ports import RunningProcess
from connector.store.statements import Records, Session, put_rows
from connector.store.tables import processes

PROCESSES = Records(processes, RunningProcess)


class SqlProcesses:
    """See :class:`connector.ports.ProcessRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def put(self, process: RunningProcess) -> None:
        """Insert or overwrite a process."""
        put_rows(self._connection, processes, [PROCESSES.to_row(self._tenant, process)])

    def list(self) -> Sequence[RunningProcess]:
        """Return all, those that started first before the others."""
        found = self._connection.execute(
            select(*PROCESSES.columns)
            .where(processes.c.tenant == self._tenant)
            .order_by(processes.c.started_at, processes.c.process_id)
        )
        return [PROCESSES.from_row(row) for row in found]

    def remove(self, process_id: str) -> None:
        """Delete a process that has ended."""
        self._connection.execute(
            delete(processes).where(
                processes.c.tenant == self._tenant, processes.c.process_id == process_id
            )
        )

    def forget_unseen(self, before: datetime) -> int:
        """Delete processes that were last seen before then, and return how many."""
        unseen = (processes.c.tenant == self._tenant, processes.c.seen_at < before)
        return self._connection.execute(delete(processes).where(*unseen)).rowcount
