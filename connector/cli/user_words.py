"""A person in words, for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.cli.audit_words import happened
from connector.domain.audit.events import AuditEvent
from connector.domain.consent.state import ConsentRecord
from connector.domain.model import User
from connector.domain.work_items.items import Direction, WorkItem
from connector.domain.writing import in_brief
from connector.services.browsing.views import EventPage, Held, HeldMembership, Labels, UserDetail
from connector.services.drift.desk import FindingView
from connector.services.work.leavers import Succession


@dataclass(frozen=True)
class Known:
    """Everything known of one user."""

    detail: UserDetail
    labels: Labels
    successions: Mapping[str, Succession]
    consent: ConsentRecord | None
    findings: Sequence[FindingView]
    events: EventPage
    pending_counts: bool
    """Whether an invitation makes somebody active."""


def in_words(known: Known, events: Sequence[AuditEvent]) -> str:
    """Return all of it as people read it.

    :param events: what happened last, the newest first.
    """
    user_id = known.detail.user.user_id
    told = [happened(event, known.events) for event in events]
    parts = (
        ("", list(_facts(known))),
        ("Memberships", list(_memberships(known)) or ["none in an account that is governed here"]),
        ("Roles in the organization", [_held(held) for held in known.detail.roles]),
        ("Open", list(_open(known))),
        ("Found by reconciliation", [_finding(view) for view in known.findings]),
        ("Last changes", told),
        (
            "More",
            [
                f"docusign-iga audit search --person {user_id}",
                f"docusign-iga audit explain --user {user_id} --entitlement ID_OR_NAME",
            ],
        ),
    )
    lines = [_title(known.detail)]
    for title, content in parts:
        if content:
            lines += ["", title] if title else []
            lines += [f"  {line}" for line in content]
    return "\n".join(lines)


def _title(detail: UserDetail) -> str:
    return f"{detail.user.user_name} <{detail.user.email}>"


def _facts(known: Known) -> Iterator[str]:
    detail, user = known.detail, known.detail.user
    said = detail.said
    state = "active" if user.is_active(pending_counts=known.pending_counts) else "inactive"
    marks = [
        "deleted through SCIM" if detail.deleted else "",
        "managed by DocuSign's own SCIM" if user.managed_by_scim else "",
    ]
    facts = [
        ("User id", user.user_id),
        ("State", ", ".join([state, *filter(None, marks)])),
        *(("externalId", f"{given} (of {clients})") for clients, given in said.external_ids),
        ("Title", said.title or user.job_title),
        ("Department", said.department),
        ("Manager", said.manager),
        ("Company", user.company),
        ("Ledger", detail.ledger_in_words),
        ("In DocuSign", f"since {_day(user.created_at)}" if user.created_at else ""),
        ("Last sign-in", _moment(user.last_login_at) if user.last_login_at else ""),
        ("Organization", _organization(known)),
        ("Consent", _consent(known.consent)),
        (
            "Last read",
            _moment(detail.fetched_at) if detail.fetched_at else "not known",
        ),
        *(_other(one, user) for one in detail.others),
    ]
    for name, value in facts:
        if value:
            yield f"{name:<14}{value}"


def _other(one: User, user: User) -> tuple[str, str]:
    if one.email_key == user.email_key:
        return "Same address", f"{one.user_name}, {one.user_id}"
    return "Had it before", f"{one.user_name}, {one.user_id}, now {one.email}"


def _organization(known: Known) -> str:
    user = known.detail.user
    if user.is_organization_admin is None:
        return "whether they administer it is not known"
    checked = user.organization_admin_verified_at
    told = "administrator" if user.is_organization_admin else "no administrator"
    return f"{told}, checked {_moment(checked)}" if checked else told


def _consent(record: ConsentRecord | None) -> str:
    if record is None:
        return ""
    checked = f", checked {_moment(record.checked_at)}" if record.checked_at else ""
    return f"for programs to act in their name: {record.state}{checked}"


def _memberships(known: Known) -> Iterator[str]:
    for held in known.detail.memberships:
        yield _place(held)
        if held.membership.status.is_open:
            for one in [*([held.profile] if held.profile else []), *held.groups]:
                yield f"  {one.kind} {_held(one)}"
        if succession := known.successions.get(held.account.account_id):
            yield f"  {succession.in_words()}"


def _place(held: HeldMembership) -> str:
    membership = held.membership
    parts = [membership.status.in_words]
    if membership.status.is_open and membership.is_admin:
        parts.append("administrator")
    if membership.closed_at and not membership.status.is_open:
        parts.append(f"since {_day(membership.closed_at)}")
    return f"{held.account.name} ({held.account.account_id}): {', '.join(parts)}"


def _held(held: Held) -> str:
    why = held.provenance
    given = f"given at the request of {why.granted_by}, {_day(why.granted_at)}" if why else ""
    risk = f"{held.meaning.risk} risk" if held.meaning.risk != "low" else ""
    shown = f"DocuSign showed it {_moment(held.verified_at)}" if held.verified_at else ""
    parts = [risk, given or "found in DocuSign", shown]
    return f"{held.name}: {', '.join(filter(None, parts))}"


def _open(known: Known) -> Iterator[str]:
    for item in known.detail.open_items:
        state = str(item.state).replace("_", " ")
        yield (
            f"{item.kind.in_words} {in_brief(item.work_item_id)}: {_wish(item, known.labels)}, "
            f"{state}, asked by {item.requester} {_moment(item.created_at)}"
        )
    for plan in known.detail.waiting:
        yield f"{plan.summary}, {plan.state}, asked by {plan.requester} {_moment(plan.created_at)}"


def _wish(item: WorkItem, labels: Labels) -> str:
    if not item.is_access:
        return item.title
    verb = "grant" if item.direction is Direction.GRANT else "revoke"
    return f"{verb} {labels.entitlement(item.entitlement)}"


def _finding(view: FindingView) -> str:
    item = view.finding
    return (
        f"{in_brief(item.finding_id)}: {view.title}, {item.state}, since {_day(item.first_seen_at)}"
    )


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
