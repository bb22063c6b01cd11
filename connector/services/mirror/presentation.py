"""Renders what DocuSign has as the SCIM documents that are stored and served.

A document is JSON text without the reader's ``externalId`` and without a group's ``members``; the
mark :data:`~connector.ports.BASE_URL_MARK` stands for the public base URL in ``meta.location`` and
in every ``$ref``. ``docs/scim-attributes.md`` lists the attributes. Absent values are left out
(RFC 7643 §2.5), lists are sorted, so that equal facts give equal text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

from connector.domain.audit.chain import canonical
from connector.domain.consent.state import ConsentRecord
from connector.domain.ledger.plans import PlanRecord
from connector.domain.ledger.resources import ClientAttributes
from connector.domain.model import (
    Account,
    Catalogue,
    DirectoryGroup,
    Membership,
    Profile,
    User,
    fold,
    profile_group_scim_id,
    role_group_scim_id,
)
from connector.domain.planning import confirmed_roles
from connector.domain.policy.entitlement_rules import PROFILE, Policy
from connector.domain.work_items.items import Direction, WorkItem
from connector.ports import ENTITLEMENT, GROUP, ROLE, USER, ResourceRow
from connector.services.mirror.documents import Document, location, present, render_row
from connector.services.mirror.persons import person_fields
from connector.services.mirror.user_extension import Denial, held_profile, user_extension
from connector.settings import TenantSettings
from mappings import CORE_USER, EntitlementMapping, Meaning, Role, UserMapping, to_scim

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
DOCUSIGN = "urn:ietf:params:scim:schemas:extension:docusign:2.0:"
DOCUSIGN_USER = f"{DOCUSIGN}User"
DOCUSIGN_GROUP = f"{DOCUSIGN}Group"
DOCUSIGN_ENTITLEMENT = f"{DOCUSIGN}Entitlement"
DOCUSIGN_ROLE = f"{DOCUSIGN}Role"

PERMISSION_PROFILE, MANUAL_ROLE = "permissionProfile", "manualRole"
"""``type`` of the elements of ``entitlements`` and ``roles``, and of their catalogues."""


class Presenter:
    """Renders the resources of one tenant. Pure: the same facts give the same row."""

    def __init__(
        self,
        mapping: UserMapping,
        settings: TenantSettings,
        policy: EntitlementMapping,
        version_key: bytes,
    ) -> None:
        self._version_key = version_key
        self._mapping = mapping
        self._settings = settings
        self._policy = policy
        self._rules = Policy(policy, {item.account_id: item.alias for item in settings.accounts})

    @cached_property
    def fingerprint(self) -> str:
        """What stands for everything that documents are rendered from besides DocuSign's facts and
        the ledger's: version, settings, mapping, policy."""
        settings = [asdict(self._settings.provisioning), asdict(self._settings.scim)]
        seed = [version("docusign-iga-connector"), settings, asdict(self._mapping)]
        return canonical([*seed, asdict(self._policy), dict(self._rules.aliases)])

    # users --------------------------------------------------------------------

    def user(
        self,
        user: User,
        catalogue: Catalogue,
        attributes: ClientAttributes | None = None,
        *,
        created_at: datetime,
        last_modified_at: datetime,
        open_items: Sequence[WorkItem] = (),
        queued: Sequence[PlanRecord] = (),
        attested_roles: frozenset[str] = frozenset(),
        visible: bool = True,
        consent: ConsentRecord | None = None,
        denied: Sequence[Denial] = (),
    ) -> ResourceRow:
        """Return the row of a user.

        :param open_items: the user's open work items.
        :param attested_roles: roles that no API shows and a person has attested.
        :param consent: whether the user can be impersonated, where somebody asked.
        :param queued: the user's plans that wait until DocuSign is available.
        :param denied: approvals that were denied a short while ago.
        """
        kept = attributes.kept if attributes else {}
        roles = self._roles(confirmed_roles(user) | attested_roles, open_items)
        content = {
            **self._person(user, kept),
            **self._access(user, catalogue, roles),
            **{name: value for name, value in kept.items() if name in self._mapping.kept},
            DOCUSIGN_USER: user_extension(
                user, catalogue, open_items, queued, consent, denied=denied
            ),
        }
        name = content.get("name", {})
        row = render_row(
            USER,
            user.user_id,
            CORE_USER,
            content,
            attributes,
            key=self._version_key,
            created_at=created_at,
            last_modified_at=last_modified_at,
        )
        return replace(
            row,
            name_key=fold(user.email),
            given_key=fold(name.get("givenName", "")),
            family_key=fold(name.get("familyName", "")),
            active=content["active"],
            visible=visible,
        )

    def _person(self, user: User, kept: Mapping[str, Any]) -> Document:
        """Return the core attributes; what the client kept of them stands over DocuSign's."""
        return to_scim(person_fields(user), self._mapping) | dict(kept.get(CORE_USER, {}))

    def _access(
        self, user: User, catalogue: Catalogue, roles: Sequence[Document]
    ) -> Mapping[str, Any]:
        return {
            "active": user.is_active(pending_counts=self._settings.provisioning.pending_is_active),
            "groups": self._groups_of(user, catalogue, roles),
            "entitlements": self._entitlements_of(user, catalogue),
            "roles": roles,
        }

    def _roles(self, confirmed: frozenset[str], open_items: Sequence[WorkItem]) -> list[Document]:
        """Return the confirmed roles, or the requested ones where the tenant wants those."""
        held = set(confirmed)
        if self._settings.provisioning.report == "requested":
            for item in open_items:
                if item.entitlement in self._policy.roles:
                    change = held.add if item.direction is Direction.GRANT else held.discard
                    change(item.entitlement)
        return [
            {"value": role_id, "display": self._role_name(role_id), "type": MANUAL_ROLE}
            for role_id in sorted(held)
        ]

    def _role_name(self, role_id: str) -> str:
        role = self._policy.roles.get(role_id)
        return role.display if role else role_id

    def _groups_of(
        self, user: User, catalogue: Catalogue, roles: Sequence[Document]
    ) -> list[Document]:
        shown = self._settings.scim.show_as_groups
        found = dict(_directory_groups(user, catalogue))
        if "profiles" in shown:
            found |= {
                profile_group_scim_id(item.account_id, item.profile_id): self._profile_name(
                    item, catalogue.accounts.get(item.account_id)
                )
                for item in _profiles(user, catalogue)
            }
        if "roles" in shown:
            found |= {role_group_scim_id(role["value"]): role["display"] for role in roles}
        return [
            {"value": scim_id, "$ref": location(GROUP, scim_id), "display": name, "type": "direct"}
            for scim_id, name in sorted(found.items())
        ]

    def _entitlements_of(self, user: User, catalogue: Catalogue) -> list[Document]:
        return [
            {
                "value": item.scim_id,
                "display": self._profile_name(item, catalogue.accounts.get(item.account_id)),
                "type": PERMISSION_PROFILE,
            }
            for item in _profiles(user, catalogue)
        ]

    def _profile_name(self, profile: Profile, account: Account | None) -> str:
        """Return a name that tells the profiles of several accounts apart in a catalogue."""
        if account is None or len(self._settings.accounts) < 2:  # noqa: PLR2004 -- several
            return profile.name
        return f"{profile.name} ({account.name})"

    # groups -------------------------------------------------------------------

    def group(
        self,
        group: DirectoryGroup,
        account: Account | None,
        attributes: ClientAttributes | None = None,
        *,
        member_digest: str,
        created_at: datetime,
        last_modified_at: datetime,
        visible: bool = True,
    ) -> ResourceRow:
        """Return the row of a DocuSign group.

        :param member_digest: changes whenever the members do, so that the version does.
        """
        kind = str(group.group_type)
        row = self._group_row(
            group.scim_id,
            group.name,
            {"account": _account(group.account_id, account), "type": kind},
            attributes,
            member_digest=member_digest,
            created_at=created_at,
            last_modified_at=last_modified_at,
        )
        hidden = group.group_type.is_built_in and self._settings.scim.builtin_groups == "hidden"
        return replace(row, visible=visible and not hidden)

    def profile_group(
        self,
        profile: Profile,
        account: Account | None,
        attributes: ClientAttributes | None = None,
        *,
        member_digest: str,
        created_at: datetime,
        last_modified_at: datetime,
    ) -> ResourceRow:
        """Return the row of a permission profile as a Group, unseen unless the tenant shows it."""
        row = self._group_row(
            profile_group_scim_id(profile.account_id, profile.profile_id),
            self._profile_name(profile, account),
            {"account": _account(profile.account_id, account), "type": PERMISSION_PROFILE},
            attributes,
            member_digest=member_digest,
            created_at=created_at,
            last_modified_at=last_modified_at,
        )
        return replace(row, visible="profiles" in self._settings.scim.show_as_groups)

    def role_group(
        self,
        role: Role,
        attributes: ClientAttributes | None = None,
        *,
        member_digest: str,
        created_at: datetime,
        last_modified_at: datetime,
    ) -> ResourceRow:
        """Return the row of a manual role as a Group, unseen unless the tenant shows it."""
        row = self._group_row(
            role_group_scim_id(role.role_id),
            role.display,
            {"type": MANUAL_ROLE},
            attributes,
            member_digest=member_digest,
            created_at=created_at,
            last_modified_at=last_modified_at,
        )
        return replace(row, visible="roles" in self._settings.scim.show_as_groups)

    def _group_row(
        self,
        scim_id: str,
        name: str,
        extension: Document,
        attributes: ClientAttributes | None,
        *,
        member_digest: str,
        created_at: datetime,
        last_modified_at: datetime,
    ) -> ResourceRow:
        return render_row(
            GROUP,
            scim_id,
            f"{CORE}Group",
            {"displayName": name, DOCUSIGN_GROUP: extension},
            attributes,
            digest=member_digest,
            key=self._version_key,
            created_at=created_at,
            last_modified_at=last_modified_at,
        )

    # catalogues ---------------------------------------------------------------

    def entitlement(
        self,
        profile: Profile,
        account: Account | None,
        *,
        created_at: datetime,
        last_modified_at: datetime,
    ) -> ResourceRow:
        """Return the row of a permission profile in the catalogue of entitlements."""
        meaning = self._policy.meaning(
            profile.scim_id,
            profile.name,
            kind=PROFILE,
            account=self._rules.names_of(profile.account_id, account),
        )
        extension = {
            "account": _account(profile.account_id, account),
            "isAdmin": profile.is_admin,
            **_meaning(meaning),
        }
        content = {
            **_catalogue_entry(
                profile.scim_id, self._profile_name(profile, account), PERMISSION_PROFILE
            ),
            DOCUSIGN_ENTITLEMENT: extension,
        }
        return render_row(
            ENTITLEMENT,
            profile.scim_id,
            f"{CORE}Entitlement",
            content,
            created_at=created_at,
            last_modified_at=last_modified_at,
        )

    def role(self, role: Role, *, created_at: datetime, last_modified_at: datetime) -> ResourceRow:
        """Return the row of a manual role in the catalogue of roles."""
        content = {
            **_catalogue_entry(role.role_id, role.display, MANUAL_ROLE),
            "description": role.description,
            DOCUSIGN_ROLE: _meaning(role) | {"verification": role.verification},
        }
        return render_row(
            ROLE,
            role.role_id,
            f"{CORE}Role",
            content,
            created_at=created_at,
            last_modified_at=last_modified_at,
        )


def _account(account_id: str, account: Account | None) -> Document:
    return present(value=account_id, display=account.name if account else "")


def _open(user: User) -> list[Membership]:
    return sorted(user.open_memberships(), key=lambda item: item.account_id)


def _directory_groups(user: User, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for membership in _open(user):
        for group_id in membership.group_ids:
            group = catalogue.groups.get((membership.account_id, group_id))
            if group is not None:
                yield group.scim_id, group.name


def _profiles(user: User, catalogue: Catalogue) -> Iterator[Profile]:
    for membership in _open(user):
        profile = held_profile(membership, catalogue)
        if profile is not None:
            yield profile


def _catalogue_entry(scim_id: str, name: str, kind: str) -> Document:
    """Return what Okta and IdentityIQ (``id``, ``displayName``) and the draft (``value``,
    ``display``; draft-ietf-scim-roles-entitlements) look for."""
    return {
        "displayName": name,
        "value": scim_id,
        "display": name,
        "type": kind,
        "supported": True,
    }


def _meaning(meaning: Meaning) -> Document:
    return present(risk=meaning.risk, owner=meaning.owner, fulfilment=meaning.fulfilment)
