"""Admin API: organizations, profiles, groups, domains, identity providers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from simulator import wire
from simulator.routes import admin_views as views
from simulator.routes.access import admin, administers, caller
from simulator.simulator import current
from simulator.state.model import Account, OtherAdmin, ReservedDomain, User

blueprint = Blueprint("admin_organizations", __name__, url_prefix="/v2/organizations")


@blueprint.get("")
@admin("organization_read", application_may=False, elsewhere_too=True)
def list_organizations() -> Response:
    """List the organizations that the caller administers."""
    user, found = caller(), []
    if user is None or administers(user):
        found.append(_organization(user))
    if user is not None and OtherAdmin.FOREIGN in user.other_admin:
        found.append(_foreign_organization())
    return wire.answer({"organizations": found})


def _foreign_organization() -> dict[str, Any]:
    organization_id = str(views.ELSEWHERE)
    return {
        "id": organization_id,
        "name": "Elsewhere Ltd.",
        "description": "",
        "default_account_id": organization_id,
        "accounts": [],
        "reserved_domains": [],
        "links": [{"rel": "self", "href": f"{request.base_url}/{organization_id}"}],
    }


def _organization(user: User | None) -> dict[str, Any]:
    organization = current().state.organization
    default = next(iter(current().state.accounts.values()))
    address = f"{request.base_url}/{organization.organization_id}"
    return {
        "id": organization.organization_id,
        "name": organization.name,
        "description": "",
        "default_account_id": default.account_id,
        "default_permission_profile_id": int(default.default_profile_id),
        "created_on": wire.admin_moment(organization.created_at),
        "created_by": user.user_id if user else "",
        "accounts": [_account(account) for account in current().state.accounts.values()],
        "reserved_domains": _domains(),
        "links": [{"rel": "self", "href": address}],
    }


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.account_id,
        "name": account.name,
        "external_account_id": account.external_id,
        "site_id": account.site_id,
    }


@blueprint.get("/<organization_id>/accounts/<account_id>/permissions")
@admin("permission_read")
def list_permissions(account_id: str) -> Response:
    """List the permission profiles of an account."""
    profiles = current().state.account(account_id).profiles.values()
    return wire.answer({"permissions": [views.profile_view(profile) for profile in profiles]})


@blueprint.get("/<organization_id>/accounts/<account_id>/groups")
@admin("group_read")
def list_groups(account_id: str) -> Response:
    """List the groups of an account."""
    found = list(current().state.account(account_id).groups.values())
    page = views.page()
    shown = [views.group_view(group) for group in page.of(found)]
    return wire.answer({"groups": shown, "paging": views.paging(page, len(shown), len(found))})


@blueprint.get("/<organization_id>/reserved_domains")
@admin("domain_read")
def list_domains() -> Response:
    """List the claimed domains."""
    return wire.answer({"reserved_domains": _domains()})


def _domains() -> list[dict[str, Any]]:
    return [_domain(item) for item in current().state.organization.domains.values()]


def _domain(domain: ReservedDomain) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": domain.domain_id,
        "status": domain.status,
        "host_name": domain.host_name,
        "settings": [],
    }
    if domain.identity_provider_id is not None:
        shown["identity_provider_id"] = domain.identity_provider_id
    return shown


@blueprint.get("/<organization_id>/identity_providers")
@admin("identity_provider_read")
def list_identity_providers() -> Response:
    """List the identity providers."""
    organization = current().state.organization
    provider = {
        "id": organization.identity_provider_id,
        "friendly_name": organization.identity_provider_name,
        "auto_provision_users": False,
        "type": "saml_20",
    }
    found = [provider] if organization.identity_provider_id else []
    return wire.answer({"identity_providers": found})
