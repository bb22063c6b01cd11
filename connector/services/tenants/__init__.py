"""Which tenants there are, and how they are added, changed and removed."""
