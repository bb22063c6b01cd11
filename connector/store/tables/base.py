"""What all tables are built from."""

from __future__ import annotations

from sqlalchemy import Column, MetaData

from connector.store.columns import TEXT

metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s"})


def key(name: str) -> Column[str]:
    """Return a text column of the primary key; the first is always the tenant."""
    return Column(name, TEXT, primary_key=True, nullable=False)


def required(name: str) -> Column[str]:
    """Return a text column that always has a value."""
    return Column(name, TEXT, nullable=False)


def optional(name: str) -> Column[str | None]:
    """Return a text column that may be empty."""
    return Column(name, TEXT)
