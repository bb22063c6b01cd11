"""Forgetting somebody who worked with the connector: their name wherever it says who did what."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Text, cast, delete, func, or_, select, update

from connector.domain.audit.chain import PERSON, Pseudonym
from connector.domain.model import fold
from connector.store.folding import Folded
from connector.store.statements import Session
from connector.store.tables import (
    audit_actors,
    code_grants,
    consent_links,
    console_accounts,
    console_sessions,
    console_tokens,
    delegations,
    erasures,
    facts,
    findings,
    job_runs,
    login_addresses,
    notifications,
    plans,
    provenance,
    tenants,
    tombstones,
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
    job_runs.c.actor,
    code_grants.c.connected_by,
    tombstones.c.deleted_by,
    tenants.c.created_by,
    tenants.c.changed_by,
)
_BATCH = 1000
_OF_WHO_ASKED = ("requester_email", "approved_by")
"""What a plan's context says of people who asked and decided; the request in it is others'."""


def forget_actors(session: Session, names: Collection[str]) -> Sequence[str]:
    """Replace who somebody was by a pseudonym wherever the database says who did what, and delete
    their accounts and absences; return how the audit called them.

    The pseudonym is the audit's, where they acted: no two people share one, so that rules which
    compare names still tell them apart.

    :param names: folded logins and addresses of one person.
    """
    connection, tenant = session.connection, session.tenant
    names = names_used(session, names)
    known = connection.execute(
        select(audit_actors.c.name, audit_actors.c.pseudonym).where(
            audit_actors.c.tenant == tenant,
            Folded(audit_actors.c.name).in_([f"{PERSON}{name}" for name in names]),
        )
    ).all()
    actors = list(dict.fromkeys(row.name for row in known))
    pseudonym = min((row.pseudonym for row in known), default=Pseudonym.of("").pseudonym)
    for doer in _DOERS:
        connection.execute(
            update(doer.table)
            .where(doer.table.c.tenant == tenant, doer.in_(actors))
            .values({doer.name: pseudonym})
        )
    email = erasures.c.requested_email
    connection.execute(
        update(erasures)
        .where(erasures.c.tenant == tenant, Folded(email).in_(list(names)))
        .values(requested_email=pseudonym)
    )
    for column in (
        *(delegations.c.delegator, delegations.c.delegate, delegations.c.delegator_email),
        *(console_sessions.c.login, console_sessions.c.email),
        *(console_tokens.c.login, console_accounts.c.login),
        *(login_addresses.c.login, login_addresses.c.email_key),
        notifications.c.recipient,
    ):
        table = column.table
        connection.execute(
            delete(table).where(table.c.tenant == tenant, Folded(column).in_(list(names)))
        )
    called = dict.fromkeys(names, pseudonym)
    events = (work_item_events.c.work_item_id, work_item_events.c.sequence)
    _replace_in(session, events, work_item_events.c.data, called)
    _replace_in(session, (work_items.c.work_item_id,), work_items.c.terms, called)
    _replace_in(session, (plans.c.plan_id,), plans.c.context, called, _OF_WHO_ASKED)
    _replace_in(session, (facts.c.key,), facts.c.value, called)
    return actors


def names_used(session: Session, names: Collection[str]) -> frozenset[str]:
    """Return folded names, and the logins of the identity provider under which they were used."""
    used = (
        (console_sessions.c.login, console_sessions.c.email),
        (delegations.c.delegator, delegations.c.delegator_email),
    )
    found = (
        session.connection.scalars(
            select(login).where(
                login.table.c.tenant == session.tenant, Folded(address).in_(list(names))
            )
        )
        for login, address in used
    )
    return frozenset({*names, *(fold(login) for logins in found for login in logins)})


def _replace_in(
    session: Session,
    keys: Sequence[Column[Any]],
    column: Column[Any],
    names: Mapping[str, str],
    members: Sequence[str] = (),
) -> None:
    """Replace names as whole values of JSON.

    :param names: what takes the place of each.
    :param members: of an object, those that are looked at; none: everything.
    """
    table = column.table
    mine = table.c.tenant == session.tenant
    statement = select(*keys, column).where(mine, *_may_say(column, names))
    changed = []
    # What stays as it is, which may be everything of the ledger, is not kept in memory.
    for *row_keys, value in session.connection.execute(
        statement, execution_options={"yield_per": _BATCH}
    ):
        looked_at = {name: value[name] for name in members if name in value} if members else value
        replaced = _without(looked_at, names)
        if replaced != looked_at:
            changed.append((row_keys, {**value, **replaced} if members else replaced))
    for row_keys, value in changed:
        is_row = [key == row_key for key, row_key in zip(keys, row_keys, strict=True)]
        session.connection.execute(update(table).where(mine, *is_row).values({column.name: value}))


def _without(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(item, names) for name, item in value.items()}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return names.get(fold(value.removeprefix(PERSON)), value) if isinstance(value, str) else value


def _may_say(column: Column[Any], names: Collection[str]) -> Sequence[ColumnElement[bool]]:
    """Return a condition that leaves out most of what does not say a name. There is none for names
    that JSON escapes: escaped text does not fold."""
    if any(json.dumps(name) != f'"{name}"' for name in names):
        return ()
    said = func.lower(cast(column, Text))
    return [or_(*(said.contains(name, autoescape=True) for name in names))]
