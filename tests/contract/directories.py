"""Directories over the simulated DocuSign, and what their tests ask of them."""

from __future__ import annotations

from dataclasses import replace

from connector.docusign.connection import build_directory
from connector.domain.plan import CreateMembership, Person, ReopenMembership
from connector.settings import AccountSettings, Behaviour, DocusignSettings, Secret, TenantSettings
from tests.connector import in_step

NEW = Person(
    email="ada.lovelace@example.net",
    user_name="Ada King Lovelace",
    first_name="Ada",
    middle_name="King",
    last_name="Lovelace",
    job_title="Analyst",
    company="Engines",
)


def directory_of(world, *, use_organization=True, clock=None, **behaviour):
    details = world.details
    settings = DocusignSettings(
        environment="custom",
        oauth_url=details["oauth_url"],
        admin_url=details["admin_url"],
        jwt_audience=details["jwt_audience"],
        integration_key=details["integration_key"],
        private_key=Secret(details["private_key_pem"]),
        behaviour=Behaviour(**behaviour),
    )
    tenant = TenantSettings(
        user_id=details["user_id"],
        use_organization=use_organization,
        accounts=tuple(AccountSettings(item["account_id"]) for item in details["accounts"]),
    )
    return build_directory(settings, tenant, in_step(world, clock), world.session())


def custom_group(account):
    return next(item for item in account.groups.values() if item.kind == "customGroup")


def other_profile(membership):
    profiles = membership.account.profiles.values()
    return next(
        item.profile_id
        for item in profiles
        if not item.is_admin and item.profile_id != membership.profile_id
    )


def creation(world, **changes):
    account = world.account
    operation = CreateMembership(
        account_id=account.account_id,
        person=NEW,
        profile_id=account.default_profile_id,
        group_ids=(custom_group(account).group_id,),
    )
    return replace(operation, **changes)


def reopening(membership, **changes):
    user = membership.user
    operation = ReopenMembership(
        account_id=membership.account.account_id,
        user_id=user.user_id,
        person=Person(user.email, user.user_name, user.first_name, user.last_name),
        profile_id=other_profile(membership),
        group_ids=(custom_group(membership.account).group_id,),
    )
    return replace(operation, **changes)
