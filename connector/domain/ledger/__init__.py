"""What the ledger keeps: facts that exist nowhere else and are never lost."""
