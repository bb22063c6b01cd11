"""The rendered SCIM resources and the counters that find their pages; they follow the mirror."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, UniqueConstraint

from connector.store.columns import TEXT, Instant
from connector.store.tables.base import key, metadata, required

BLOCK_SIZES = (16_384, 512)
"""Keys in one page block: a list adds up the counters of the large ones, and a page those of the
small ones within one large one; it skips fewer rows than a small one has."""

resources = Table(
    "resources",
    metadata,
    # SQLite gives out growing keys only to a column declared INTEGER.
    Column(
        "seq",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    required("tenant"),
    required("kind"),
    required("scim_id"),
    required("version"),
    Column("created_at", Instant, nullable=False),
    Column("last_modified_at", Instant, nullable=False),
    required("name_key"),
    required("display_key"),
    required("given_key"),
    required("family_key"),
    Column("scopes", TEXT, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False),
    Column("visible", Boolean, nullable=False),
    # Last, because SQLite reads a row up to the column it needs.
    required("document"),
    UniqueConstraint("tenant", "kind", "scim_id"),
    Index("ix_resources_page", "tenant", "kind", "visible", "seq"),
    Index("ix_resources_active", "tenant", "kind", "visible", "active", "seq"),
    Index("ix_resources_name", "tenant", "kind", "name_key"),
    Index("ix_resources_display", "tenant", "kind", "display_key"),
    Index("ix_resources_given", "tenant", "kind", "given_key"),
    Index("ix_resources_family", "tenant", "kind", "family_key"),
    Index("ix_resources_created", "tenant", "kind", "created_at"),
    Index("ix_resources_modified", "tenant", "kind", "last_modified_at"),
    sqlite_autoincrement=True,
)

page_blocks = Table(
    "page_blocks",
    metadata,
    key("tenant"),
    key("kind"),
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("visible_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)
