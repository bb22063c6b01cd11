"""Stored documents turned into what a reader gets, as text: nothing is parsed.

A page of resources passes here on every read, so each function does a few string operations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from connector.domain.ledger.plans import PlanState
from connector.ports import (
    BASE_URL_MARK,
    EXTERNAL_ID_MARK,
    GroupMember,
    JoinedPage,
    SortKey,
    StoredResource,
)
from connector.services.context import TenantContext
from connector.services.mirror.presentation import DOCUSIGN
from connector.services.naming import names_for
from connector.services.provisioning.recording import Outcome
from scim.dialects import Dialect
from scim.handlers import Deferred, Joined, Page, PlanPreview, Rendered, RequestContext

_MARK = BASE_URL_MARK.encode()
_ONLY_ID = re.compile(r'\A\{"externalId":"(?:[^"\\]|\\.)*",')
_OTHERS_ID = re.compile(rf'"{EXTERNAL_ID_MARK}[^"]*":"(?:[^"\\]|\\.)*",')
_FOUR_BYTES = re.compile("[\U00010000-\U0010ffff]")
PLAN_SCHEMA = f"{DOCUSIGN}Plan"


class Reader(NamedTuple):
    """What of a document depends on who reads it."""

    base_url: str
    scope: str
    """Whose ``externalId`` it is."""


def reader_of(context: RequestContext) -> Reader:
    """Return the reader of a request."""
    return Reader(context.base_url, context.caller.external_id_scope)


def render(
    stored: StoredResource, reader: Reader, members: Sequence[GroupMember] | None = None
) -> Rendered:
    """Return a resource as its reader sees it.

    :param members: the members of a group, None where they are not asked for.
    """
    text = _with_own_id(stored, reader.scope) if stored.scopes else stored.document
    text = text.replace(BASE_URL_MARK, reader.base_url)
    if members:
        text = f'{{"members":{_members(members, reader.base_url)},{text[1:]}'
    return Rendered(stored.scim_id, text.encode(), stored.version, stored.last_modified_at)


def _with_own_id(stored: StoredResource, scope: str) -> str:
    """Return the document with the external id of one client, and without those of others."""
    text = stored.document
    if "," not in stored.scopes:
        return text if scope == stored.scopes else _ONLY_ID.sub("{", text)
    if scope in stored.scopes.split(","):
        text = text.replace(f'"{EXTERNAL_ID_MARK}{scope}":', '"externalId":', 1)
    return _OTHERS_ID.sub("", text)


def render_joined(page: JoinedPage, reader: Reader) -> Page | None:
    """Return a page of resources as its reader sees it, None where they have to be rendered one by
    one because other clients have given external ids too."""
    if page.is_shared:
        return None
    documents = page.documents.replace(_MARK, reader.base_url.encode())
    joined = Joined(page.size, documents)
    return Page(page.total, joined=joined, next_after=place(page.next_after))


def place(next_after: int | None, next_key: SortKey = None) -> str | None:
    """Return where the next page by cursor begins, as text."""
    if next_after is None or next_key is None:
        return None if next_after is None else str(next_after)
    return orjson.dumps([next_after, next_key]).decode()


def read_place(text: str) -> tuple[int, SortKey]:
    """Return what :func:`place` made a text of; "" is the place before everything."""
    found = orjson.loads(text or "0")
    return (found[0], found[1]) if isinstance(found, list) else (found, None)


def storable(rendered: Rendered, dialect: Dialect) -> Rendered:
    """Return a Group as a client's database can store it."""
    if not dialect.strip_four_byte_characters:
        return rendered
    text = _FOUR_BYTES.sub("", rendered.document.decode())
    return replace(rendered, document=text.encode())


def members_shown(members: Sequence[GroupMember], base_url: str) -> list[dict[str, str]]:
    """Return the elements of ``members``."""
    place = f"{base_url}/Users/"
    return [
        {
            "value": member.user_id,
            "$ref": place + member.user_id,
            "type": "User",
            "display": member.display,
        }
        for member in members
    ]


def _members(members: Sequence[GroupMember], base_url: str) -> str:
    return orjson.dumps(members_shown(members, base_url)).decode()


def to_resource(stored: StoredResource, reader: Reader) -> dict[str, Any]:
    """Return the JSON data of a resource, to apply a PATCH to."""
    resource: dict[str, Any] = orjson.loads(render(stored, reader).document)
    return resource


def deferred(context: RequestContext, outcome: Outcome) -> Deferred | None:
    """Return the answer to a change that the jobs will carry out, None for any other.

    A client that did not offer to come back for it gets the resource as it is, with what waits,
    where that is an honest answer: what does not exist yet has no id, and what is to be deleted is
    still there (ADR 12).
    """
    if not is_queued(outcome) or outcome.record is None:
        return None
    ends_or_begins = outcome.subject_id is None or (
        context.asked is not None and context.asked.method == "DELETE"
    )
    if context.respond_async or ends_or_begins:
        return Deferred(outcome.record.plan_id)
    return None


def is_queued(outcome: Outcome) -> bool:
    """Return whether a change waits until DocuSign can take it."""
    return outcome.record is not None and outcome.record.state is PlanState.QUEUED


def preview(outcome: Outcome, context: TenantContext) -> PlanPreview:
    """Return the answer to a dry run; ``subject`` is absent for what does not exist yet."""
    subject = {"subject": outcome.subject_id} if outcome.subject_id else {}
    with context.read() as uow:
        names = names_for(uow, context, outcome.plan)
    operations = [
        {"kind": step.kind, "description": step.describe(names), "fulfilment": str(fulfilment)}
        for step, fulfilment in zip(outcome.plan, outcome.fulfilments, strict=True)
    ]
    return PlanPreview(
        {
            "schemas": [PLAN_SCHEMA],
            **subject,
            "checksum": outcome.plan.checksum,
            "operations": operations,
        }
    )
