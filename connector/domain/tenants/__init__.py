"""Tenants of the database, and their settings as plain data."""
