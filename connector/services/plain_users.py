"""One user as plain data: the JSON of ``docusign-iga user show`` and of the REST API, which thus
agree in every name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.services.browsing.views import Held, HeldMembership, Labels, UserDetail
from connector.services.plain_data import Data, named_item_data, succession_data
from connector.services.work.leavers import Succession


def user_data(detail: UserDetail, labels: Labels, successions: Mapping[str, Succession]) -> Data:
    """Return everything known of one user.

    :param successions: by account, what becomes of their envelopes when they leave.
    """
    user, expected = detail.user, detail.expected
    return {
        "id": user.user_id,
        "name": user.user_name,
        "email": user.email,
        "deleted": detail.deleted,
        "memberships": [
            _membership(item, successions.get(item.account.account_id))
            for item in detail.memberships
        ],
        "roles": _all_held(detail.roles),
        "pending": [named_item_data(item, user, labels) for item in detail.open_items],
        "waiting": [
            {"plan_id": one.plan_id, "summary": one.summary, "state": one.state}
            for one in detail.waiting
        ],
        "others_on_address": [item.user_id for item in detail.others],
        "read_at": detail.fetched_at,
        "expected": {
            "origin": expected.origin,
            "since": expected.since,
            "in_words": detail.ledger_in_words,
        }
        if expected
        else None,
    }


def _membership(item: HeldMembership, succession: Succession | None) -> Data:
    membership = item.membership
    return {
        "account_id": item.account.account_id,
        "account": item.account.name,
        "status": membership.status,
        "is_admin": membership.is_admin,
        "profile": _held(item.profile) if item.profile else None,
        "groups": _all_held(item.groups),
        "created_at": membership.created_at,
        "closed_at": membership.closed_at,
        "leaving": succession_data(succession) if succession else None,
    }


def _all_held(items: Sequence[Held]) -> list[Data]:
    return [_held(item) for item in items]


def _held(item: Held) -> Data:
    return {
        "id": item.scim_id,
        "name": item.name,
        "kind": item.kind,
        "risk": item.meaning.risk,
        "owner": item.meaning.owner,
        "provenance": item.provenance,
        "verified_at": item.verified_at,
    }
