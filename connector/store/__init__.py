"""Outbound adapter: mirror and ledger in SQLite or PostgreSQL, a :class:`connector.ports.Store`."""
