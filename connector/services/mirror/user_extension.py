"""Renders what only DocuSign knows of a user: the extension schema of the resource."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connector.domain.consent.state import ConsentRecord
from connector.domain.ledger.plans import PlanRecord
from connector.domain.model import Catalogue, Membership, Profile, User
from connector.domain.work_items.items import WorkItem, WorkItemKind
from connector.services.mirror.documents import Document, present, timestamp

QUEUED_CHANGE = "queued_change"
"""``pending[].type`` of a change that waits for DocuSign rather than for a person."""

Denial = tuple[WorkItem, datetime | None]
"""A denied approval, and until when it is shown."""


def user_extension(
    user: User,
    catalogue: Catalogue,
    open_items: Sequence[WorkItem],
    queued: Sequence[PlanRecord],
    consent: ConsentRecord | None = None,
    *,
    denied: Sequence[Denial] = (),
) -> Document:
    """Return what the extension schema says of a user.

    :param open_items: the user's open work items.
    :param consent: whether the user can be impersonated, where somebody asked.
    :param queued: the user's plans that wait until DocuSign is available.
    :param denied: approvals that were denied a short while ago.
    """
    memberships = sorted(user.memberships.values(), key=lambda item: item.account_id)
    managed = user.managed_by_scim or any(item.managed_by_scim for item in memberships)
    return present(
        memberships=[_membership(item, catalogue) for item in memberships],
        organizationAdmin=_organization_admin(user),
        pending=[*map(_pending_item, open_items), *map(_queued_change, queued)],
        denied=[_denied(item, until) for item, until in denied],
        consent=_consent(consent),
        managedByDocuSignScim=managed,
    )


def held_profile(membership: Membership, catalogue: Catalogue) -> Profile | None:
    """Return the profile held; one that the catalogue does not know yet has its id for a name."""
    if membership.profile_id is None:
        return None
    known = catalogue.profiles.get((membership.account_id, membership.profile_id))
    return known or Profile(
        membership.account_id, membership.profile_id, name=membership.profile_id
    )


def _membership(membership: Membership, catalogue: Catalogue) -> Document:
    """Return one membership, flat: a complex attribute holds no other (RFC 7643 §2.3.8)."""
    profile = held_profile(membership, catalogue)
    account = catalogue.accounts.get(membership.account_id)
    return present(
        account=membership.account_id,
        accountName=account.name if account else "",
        status=str(membership.status),
        profile=profile.scim_id if profile else "",
        profileName=profile.name if profile else "",
        isAdmin=membership.is_admin,
        createdAt=_optional_time(membership.created_at),
        closedAt=_optional_time(membership.closed_at),
    )


def _organization_admin(user: User) -> Document:
    return present(
        value=user.is_organization_admin,
        verifiedAt=_optional_time(user.organization_admin_verified_at),
    )


def _consent(record: ConsentRecord | None) -> Document:
    """Return the state without the time of the last look, which is no change of the resource."""
    if record is None:
        return {}
    return present(
        value=str(record.state),
        cause=record.cause,
        since=timestamp(record.since),
        claimedDomain=record.in_claimed_domain,
    )


def _pending_item(item: WorkItem) -> Document:
    return present(
        type=str(WorkItemKind(item.kind)),
        workItem=item.work_item_id,
        entitlement=item.entitlement,
        direction=str(item.direction),
        since=timestamp(item.created_at),
        due=_optional_time(item.due_at or item.expires_at),
    )


def _denied(item: WorkItem, until: datetime | None) -> Document:
    return present(
        workItem=item.work_item_id,
        entitlement=item.entitlement,
        reason=item.comment,
        at=_optional_time(item.closed_at),
        until=_optional_time(until),
    )


def _queued_change(plan: PlanRecord) -> Document:
    return {"type": QUEUED_CHANGE, "since": timestamp(plan.created_at)}


def _optional_time(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None
