"""Rules for deleting a person's data for good (Admin API, data redaction)."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from simulator.state.model import Account, Status
from simulator.state.organization import State

Outcome = Literal["pending", "failure", "success", "already_redacted"]
CLOSED_FOR = timedelta(hours=24)
"""A membership must have been closed for this long."""


def redact(state: State, account: Account, user_id: str) -> Outcome:
    """Delete the data of one membership; with the last one the user is gone altogether."""
    key = (account.account_id, user_id.lower())
    if key in state.redacted:
        return "already_redacted"
    membership = account.members.get(user_id.lower())
    if membership is None or membership.status is not Status.CLOSED:
        return "failure"
    if membership.closed_at is None or state.now() - membership.closed_at < CLOSED_FOR:
        return "failure"
    state.remove_membership(membership)
    state.redacted.add(key)
    return "pending" if state.variants.redaction_is_pending else "success"


def overall(outcomes: list[Outcome]) -> Outcome:
    """Return the status of a request over several memberships: the least happy one."""
    for status in ("failure", "pending", "success"):
        if status in outcomes:
            return status
    return "already_redacted"
