"""What pages show of users, accounts and groups: read models from the mirror and the ledger."""
