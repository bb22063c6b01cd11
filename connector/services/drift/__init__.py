"""Drift: reconciliation finds it, people and the policy decide on it, reverting puts it right."""
