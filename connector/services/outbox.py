"""Puts what people shall hear of into the outbox, in the transaction of what it tells of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from connector.domain.notifications import (
    CONCLUDING,
    REPEATED,
    Delivery,
    DeliveryState,
    Notice,
    is_wanted,
    notice_of,
)
from connector.domain.work_items.items import WorkItem
from connector.ports import UnitOfWork
from connector.settings import ChannelSettings, NotificationSettings


def announce(
    uow: UnitOfWork,
    settings: NotificationSettings,
    now: datetime,
    *,
    action: str,
    subject_id: str,
    data: Mapping[str, Any],
) -> None:
    """Fill the outbox for an audit event, where somebody wants to hear of it."""
    if not settings.channels:
        return
    item: WorkItem | None = None
    if "work_item" in data and action.startswith("work_item."):
        item = uow.work_items.get(str(data["work_item"]))
    notice = notice_of(action, item.kind if item else None)
    if notice is None:
        return
    act = action.partition(".")[2]
    if item is not None and act in CONCLUDING and item.state.is_open:
        return  # One of several approvers agreed.
    about = item.work_item_id if item else str(data.get("job") or action)
    if item is not None and notice not in REPEATED and uow.notifications.was_told(notice, about):
        return
    payload = {"subject": subject_id, "act": act, **data}
    for channel in settings.channels:
        if is_wanted(notice, channel.events):
            subject = item.subject_id if item else subject_id
            uow.notifications.add(
                new_delivery(notice, channel, now, about=about, subject_id=subject, payload=payload)
            )


def send_to(
    uow: UnitOfWork,
    settings: NotificationSettings,
    now: datetime,
    *,
    notice: Notice,
    subject_id: str,
    payload: Mapping[str, Any],
) -> int:
    """Fill the outbox for a person, with what is no business of the audit; return how many
    channels take it."""
    wanted = [channel for channel in settings.channels if is_wanted(notice, channel.events)]
    for channel in wanted:
        uow.notifications.add(
            new_delivery(notice, channel, now, about=notice, subject_id=subject_id, payload=payload)
        )
    return len(wanted)


def new_delivery(
    notice: Notice,
    channel: ChannelSettings,
    now: datetime,
    *,
    about: str,
    subject_id: str = "",
    payload: Mapping[str, Any] | None = None,
) -> Delivery:
    """Return a delivery that is due at once."""
    return Delivery(
        delivery_id=uuid4().hex,
        notice=notice,
        channel=channel.name,
        recipient="",
        about=about,
        subject_id=subject_id,
        payload=payload or {},
        state=DeliveryState.WAITING,
        created_at=now,
        next_attempt_at=now,
    )
