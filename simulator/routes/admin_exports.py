"""Admin API: user-list exports, ordered, asked for until complete, fetched as CSV for each site."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Blueprint, Response, request

from simulator import wire
from simulator.routes.access import admin, caller
from simulator.seed_export import COLUMNS, GROUP_SEPARATOR
from simulator.simulator import current
from simulator.state import groups
from simulator.state.errors import RuleError, invalid
from simulator.state.exports import Export, ExportResult
from simulator.state.model import Membership, Status, new_guid

blueprint = Blueprint(
    "admin_exports", __name__, url_prefix="/v2/organizations/<organization_id>/exports/user_list"
)
files = Blueprint("export_files", __name__, url_prefix="/restapi/v2/organization_exports")

MEMBERSHIPS = "organization_memberships_export"
DOMAIN_USERS = "organization_domain_users_export"
EXTERNAL = "organization_external_memberships_export"


@blueprint.post("")
@admin("user_read")
def order() -> Response:
    """Order an export."""
    body, state, user = wire.json_body(), current().state, caller()
    kind = wire.text(body, "type")
    if kind not in (MEMBERSHIPS, DOMAIN_USERS, EXTERNAL):
        raise invalid(f"{kind} is not a type of export.")
    accounts = [wire.text(item, "account_id") for item in wire.optional_items(body, "accounts")]
    export = Export(
        export_id=new_guid(),
        kind=kind,
        requestor_id=user.user_id if user else "",
        created_at=state.now(),
        account_ids=tuple(state.account(item).account_id for item in accounts),
        domains=tuple(
            wire.text(item, "domain").lower() for item in wire.optional_items(body, "domains")
        ),
        polls_left=state.variants.export_polls,
    )
    state.exports[export.export_id] = export
    return wire.answer(_view(export))


@blueprint.get("")
@admin("user_read")
def list_exports() -> Response:
    """List the exports."""
    return wire.answer({"exports": [_view(item) for item in current().state.exports.values()]})


@blueprint.get("/<export_id>")
@admin("user_read")
def ask(export_id: str) -> Response:
    """Tell how far an export is."""
    export = _export(export_id)
    if current().state.variants.export_fails == "forgotten":
        raise RuleError("RESOURCE_NOT_FOUND", "There is no such export.", status=404)
    export.polls_left -= 1
    if export.is_complete and not export.results:
        export.results = list(_results(export))
    return wire.answer(_view(export))


@blueprint.delete("/<export_id>")
@admin("user_read")
def delete(export_id: str) -> Response:
    """Forget an export."""
    del current().state.exports[_export(export_id).export_id]
    return wire.answer({})


@files.get("/<organization_id>/user_list/<result_id>")
@admin("user_read")
def fetch(result_id: str) -> Response:
    """Return the rows of one site."""
    for export in current().state.exports.values():
        for result in export.results:
            if result.result_id == result_id:
                text = result.csv
                if current().state.variants.export_fails == "truncated":
                    text = text[: len(text) // 2]
                return Response(text, mimetype="text/csv")
    raise RuleError("RESOURCE_NOT_FOUND", "There is no such result.", status=404)


def _export(export_id: str) -> Export:
    export = current().state.exports.get(export_id.lower())
    if export is None:
        raise RuleError("RESOURCE_NOT_FOUND", "There is no such export.", status=404)
    return export


def _view(export: Export) -> dict[str, Any]:
    state = current().state
    created = wire.admin_moment(export.created_at)
    requestor = state.users.get(export.requestor_id)
    shown: dict[str, Any] = {
        "id": export.export_id,
        "type": export.kind,
        "requestor": {
            "id": export.requestor_id,
            "name": requestor.user_name if requestor else "",
            "type": "user" if requestor else "application",
            "email": requestor.email if requestor else "",
        },
        "created": created,
        "last_modified": created,
        "expires": wire.admin_moment(export.expires_at),
        "status": "completed" if export.is_complete else "in_process",
        "selected_accounts": [{"account_id": item} for item in export.account_ids],
        "selected_domains": [{"domain": item} for item in export.domains],
        "percent_completed": 100 if export.is_complete else 50,
        "results": [_result_view(item) for item in export.results],
        "success": True,
    }
    if export.is_complete and state.variants.export_fails == "failed":
        shown |= {"status": "failed", "results": []}
    elif export.is_complete:
        shown["completed"] = created
        shown["number_rows"] = sum(item.rows for item in export.results)
        shown["size_bytes"] = sum(len(item.csv.encode()) for item in export.results)
    return shown


def _result_view(result: ExportResult) -> dict[str, Any]:
    organization_id = current().state.organization.organization_id
    path = f"{files.url_prefix}/{organization_id}/user_list/{result.result_id}"
    return {
        "id": result.result_id,
        "site_id": result.site_id,
        "url": request.host_url.rstrip("/") + path,
        "number_rows": result.rows,
        "size_bytes": len(result.csv.encode()),
    }


def _results(export: Export) -> Iterator[ExportResult]:
    """Return one result a site."""
    by_site: dict[int, list[Membership]] = {}
    for membership in _selected(export):
        by_site.setdefault(membership.account.site_id, []).append(membership)
    for site_id, memberships in by_site.items():
        yield ExportResult(new_guid(), site_id, len(memberships), _csv(memberships))


def _selected(export: Export) -> Iterable[Membership]:
    state = current().state
    for account in state.accounts.values():
        if export.account_ids and account.account_id not in export.account_ids:
            continue
        for membership in account.roster:
            claimed = state.claimed(membership.user.email) is not None
            if export.domains and membership.user.domain not in export.domains:
                continue
            if membership.status is Status.CLOSED and not state.variants.export_shows_closed:
                continue
            if export.kind == MEMBERSHIPS or claimed == (export.kind == DOMAIN_USERS):
                yield membership


def _csv(memberships: Iterable[Membership]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(_row(item) for item in memberships)
    return file.getvalue()


def _row(membership: Membership) -> dict[str, Any]:
    user, account, profile = membership.user, membership.account, membership.profile
    return {
        "SiteID": account.site_id,
        "AccountID": account.account_id,
        "AccountName": account.name,
        "APIUserName": user.user_id,
        "FullName": user.user_name,
        "FirstName": user.first_name,
        "LastName": user.last_name,
        "UserEmail": user.email,
        "UserStatus": user.admin_status,
        "AddedDate": f"{membership.created_at:%m/%d/%Y}",
        "MembershipStatus": str(membership.status),
        "eSignPermissionProfile": profile.name if profile else "",
        "CompanyName": membership.company,
        "JobTitle": membership.job_title,
        "Groups": GROUP_SEPARATOR.join(group.name for group in groups.of_membership(membership)),
        "EnableCLM": "False",
        "eSignPermissionProfileID": profile.profile_id if profile else "",
    }
