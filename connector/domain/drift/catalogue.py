"""Compares profiles and groups with what was known of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.domain.drift.difference import ENTITLEMENT, GROUP, Drift, DriftKind
from connector.domain.drift.expected import KnownEntitlement
from connector.domain.model import Catalogue, IdKind, parse_scim_id


def known_entitlements(catalogue: Catalogue) -> Mapping[str, KnownEntitlement]:
    """Return profiles and custom groups as they are, by SCIM id."""
    profiles = [
        KnownEntitlement(item.scim_id, item.name, item.is_admin)
        for item in catalogue.profiles.values()
    ]
    groups = [
        KnownEntitlement(item.scim_id, item.name, managed_by_scim=item.managed_by_scim)
        for item in catalogue.groups.values()
        if not item.group_type.is_built_in
    ]
    return {item.scim_id: item for item in (*profiles, *groups)}


def find_catalogue_drift(
    known: Mapping[str, KnownEntitlement],
    seen: Mapping[str, KnownEntitlement],
    accounts: frozenset[str],
) -> Iterator[Drift]:
    """Return how profiles and groups differ from what is known of them. New ones are no drift:
    nobody holds them yet, and who comes to hold them is found."""
    for scim_id, before in sorted(known.items()):
        named = parse_scim_id(scim_id)
        account_id = named.account_id
        if account_id not in accounts:
            continue
        kind = GROUP if named.kind is IdKind.GROUP else ENTITLEMENT
        after = seen.get(scim_id)
        if after is None:
            yield Drift(
                DriftKind.GONE_ENTITLEMENT,
                kind,
                scim_id,
                account_id,
                scim_id,
                expected={"name": before.name},
            )
            continue
        for attribute in ("name", "is_admin"):
            was, now = getattr(before, attribute), getattr(after, attribute)
            if was != now:
                yield Drift(
                    DriftKind.CHANGED_ENTITLEMENT,
                    kind,
                    scim_id,
                    account_id,
                    scim_id,
                    attribute,
                    {attribute: was},
                    {attribute: now},
                )
        if after.managed_by_scim and not before.managed_by_scim:
            yield Drift(
                DriftKind.DOCUSIGN_SCIM,
                kind,
                scim_id,
                account_id,
                scim_id,
                actual={"managed": True},
            )
