"""Forgetting somebody who worked with the connector: their name wherever it says who did what."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Text, cast, delete, func, or_, select, update

from connector.domain.audit import PERSON
from connector.domain.erasure import ERASED_TEXT
from connector.domain.model import fold
from connector.store.columns import TEXT
from connector.store.statements import Session
from connector.store.tables import (
    audit_actors,
    consent_links,
    console_accounts,
    console_sessions,
    console_tokens,
    delegations,
    erasures,
    findings,
    notifications,
    plans,
    provenance,
    work_item_events,
    work_item_evidence,
    work_items,
)

_DOERS: Sequence[Column[Any]] = (
    plans.c.requester,
    work_items.c.requester,
    work_items.c.assignee,
    work_items.c.completed_by,
    work_items.c.closed_by,
    work_item_events.c.actor,
    work_item_evidence.c.added_by,
    findings.c.decided_by,
    erasures.c.requested_by,
    erasures.c.confirmed_by,
    provenance.c.granted_by,
    consent_links.c.made_by,
    console_tokens.c.created_by,
    delegations.c.created_by,
)


def forget_actors(session: Session, names: Collection[str]) -> Sequence[str]:
    """Replace who somebody was wherever the database says who did what, and delete their accounts
    and absences; return how the audit called them.

    :param names: folded logins and addresses of one person.
    """
    connection, tenant = session.connection, session.tenant
    known = select(audit_actors.c.name).where(
        audit_actors.c.tenant == tenant,
        _folded(audit_actors.c.name).in_([f"{PERSON}{name}" for name in names]),
    )
    actors = list(connection.scalars(known))
    connection.execute(
        update(work_item_events)
        .where(work_item_events.c.tenant == tenant, or_(*_mentions(work_item_events.c.data, names)))
        .values(data={})
    )
    for doer in _DOERS:
        connection.execute(
            update(doer.table)
            .where(doer.table.c.tenant == tenant, doer.in_(actors))
            .values({doer.name: f"{PERSON}{ERASED_TEXT}"})
        )
    email = erasures.c.requested_email
    connection.execute(
        update(erasures)
        .where(erasures.c.tenant == tenant, _folded(email).in_(list(names)))
        .values(requested_email="")
    )
    for column in (
        *(delegations.c.delegator, delegations.c.delegate, delegations.c.delegator_email),
        *(console_sessions.c.login, console_sessions.c.email),
        *(console_tokens.c.login, console_accounts.c.login),
        notifications.c.recipient,
    ):
        table = column.table
        connection.execute(
            delete(table).where(table.c.tenant == tenant, _folded(column).in_(list(names)))
        )
    _replace_in(session, work_items.c.work_item_id, work_items.c.terms, names)
    _replace_in(session, plans.c.plan_id, plans.c.context, names)
    return actors


def _replace_in(
    session: Session, key: Column[Any], column: Column[Any], names: Collection[str]
) -> None:
    """Replace the address among those who asked or may decide, as JSON keeps it."""
    table = column.table
    mine = table.c.tenant == session.tenant
    found = session.connection.execute(
        select(key, column).where(mine, or_(*_mentions(column, names)))
    ).all()
    for row_key, value in found:
        session.connection.execute(
            update(table).where(mine, key == row_key).values({column.name: _without(value, names)})
        )


def _without(value: Any, names: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(item, names) for name, item in value.items()}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return ERASED_TEXT if isinstance(value, str) and fold(value) in names else value


def _mentions(column: Column[Any], names: Collection[str]) -> Iterator[ColumnElement[bool]]:
    """Return conditions for JSON that says one of these names as a whole value, however it is
    written."""
    said = _folded(cast(column, Text))
    for name in names:
        for text in {name, json.dumps(name)[1:-1]}:
            yield said.contains(f'"{text}"', autoescape=True)
            yield said.contains(f'"{PERSON}{text}"', autoescape=True)


def _folded(text: ColumnElement[Any]) -> ColumnElement[str]:
    return func.fold(text, type_=TEXT)
