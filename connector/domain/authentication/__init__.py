"""Who may come in: programs with credentials, people with roles and sessions."""
