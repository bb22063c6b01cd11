"""What a database remembers of having been restored from a backup."""

from __future__ import annotations

RESTORED = "restored_from_backup"
"""A fact of the tenant: ``by`` and ``at``; None where a person said that all is well."""
IDENTITY = "database_identity"
"""A fact of the tenant: in which database its ledger was at the last whole comparison."""
HELD = "held_since_restoring"
"""A fact of the tenant: of which changes from before the restoring DocuSign was asked, and how many
of them somebody was told."""
