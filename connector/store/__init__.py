"""Outbound adapter: mirror and ledger in SQLite or PostgreSQL, a :class:`connector.ports.Store`."""

from connector.store.unit_of_work import SqlStore, open_database

__all__ = ["SqlStore", "open_database"]
