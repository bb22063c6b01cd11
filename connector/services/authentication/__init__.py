"""Who comes in: programs with credentials and tokens, people with accounts and sessions."""
