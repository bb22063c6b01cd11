"""The rules of a tenant as they are in force, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.remedies import USUAL_REMEDIES, Remedy
from connector.domain.drift.remedies import conditions_of as drift_conditions_of
from connector.domain.idle_rules import idle_rules
from connector.domain.policy.absent_approvers import absent_approvers
from connector.domain.policy.entitlement_rules import VERIFIED_BY_API, conditions_of
from connector.services.context import TenantContext
from connector.services.people import deciders
from connector.services.rules.policy import in_words
from connector.settings import TenantSettings
from mappings import load_entitlements
from mappings.model import FieldMapping, Meaning, Role, UserMapping

SHIPPED = "mappings/entitlements.yaml"
_SHIPPED_USER = "mappings/user.yaml"
_BY_TASK = (DriftKind.UNEXPECTED_ADMIN,)
"""What no API puts right."""
_TENANT, _BUILT_IN = "the tenant", "built in"


@dataclass(frozen=True)
class Rule:
    """A rule for people."""

    covers: str
    says: str
    source: str


@dataclass(frozen=True)
class RulesInForce:
    """Every rule; of each list the first that covers something counts."""

    entitlements: Sequence[Rule]
    roles: Sequence[Rule]
    drift: Sequence[Rule]
    attributes: Sequence[Rule]
    warnings: Sequence[str]
    """Rules for entitlements, drift and leavers that cover nothing there is, and approvers who
    cannot be anybody, a sentence each."""


def rules_in_force(context: TenantContext, mapping: UserMapping) -> RulesInForce:
    """Return the rules of a tenant.

    :param mapping: how its users' attributes correspond.
    """
    policy = context.policy.mapping
    settings = context.settings
    with context.read() as uow:
        warnings = list(idle_rules(context.policy, settings, uow.mirror.catalogue()))
        known = deciders(uow, context.ways_in, context.clock.now())
    warnings += absent_approvers(settings, context.policy.mapping, known)
    entitlements = [
        Rule(conditions_of(rule) or "every profile and group", _meaning(rule), rule.source)
        for rule in policy.rules
    ]
    entitlements.append(Rule("everything else", _meaning(Meaning()), _BUILT_IN))
    return RulesInForce(
        entitlements,
        [
            Rule(f"{role.display} ({role.role_id})", _meaning(role), _source_of(role, settings))
            for role in policy.roles.values()
        ],
        list(_of_drift(context)),
        list(_of_attributes(mapping, settings)),
        warnings,
    )


def _meaning(meaning: Meaning) -> str:
    owner = f", owner {meaning.owner}" if meaning.owner else ""
    checked = ""
    if isinstance(meaning, Role) or "manual" in (meaning.fulfilment, meaning.after_approval):
        is_seen = meaning.verification in VERIFIED_BY_API
        checked = (
            ", checked by looking into DocuSign" if is_seen else ", checked by a second person"
        )
    return f"{in_words(meaning)}; {meaning.risk} risk{owner}{checked}"


def _source_of(role: Role, settings: TenantSettings) -> str:
    if role.role_id not in settings.manual_roles:
        return SHIPPED
    is_ours = role.role_id in load_entitlements().roles
    return f"{SHIPPED}, changed by {_TENANT}" if is_ours else _TENANT


def _of_drift(context: TenantContext) -> Iterator[Rule]:
    for number, rule in enumerate(context.settings.drift.policy, 1):
        yield Rule(
            drift_conditions_of(rule), rule.then, f"rule {number} of {_TENANT} (drift.policy)"
        )
    policy = context.policy.mapping
    for given in policy.rules:
        if given.on_drift:
            covers = conditions_of(given) or "every profile and group"
            yield Rule(f"grants of {covers}", given.on_drift, given.source)
    for role in policy.roles.values():
        if role.on_drift:
            source = _source_of(role, context.settings)
            yield Rule(f"the role {role.display}", role.on_drift, source)
    for kind, remedy in USUAL_REMEDIES.items():
        says = f"{remedy}: a task asks a person" if kind in _BY_TASK else str(remedy)
        yield Rule(str(kind).replace("_", " "), says, _BUILT_IN)
    rest = [str(kind).replace("_", " ") for kind in DriftKind if kind not in USUAL_REMEDIES]
    yield Rule(f"everything else: {', '.join(rest)}", Remedy.REPORT, _BUILT_IN)


def _of_attributes(mapping: UserMapping, settings: TenantSettings) -> Iterator[Rule]:
    fields = settings.user_mapping.get("fields") or {}
    for item in mapping.fields:
        source = _TENANT if item.name in fields else _SHIPPED_USER
        yield Rule(f"{item.name.replace('_', ' ')} in DocuSign", _sources(item), source)
    kept = settings.user_mapping.get("kept") or {}
    for schema, names in mapping.kept.items():
        source = _TENANT if schema in kept else _SHIPPED_USER
        yield Rule(f"kept for the client: {schema}", ", ".join(names), source)


def _sources(item: FieldMapping) -> str:
    said = [
        one.attribute or " + ".join(name.replace("_", " ") for name in one.from_fields)
        for one in item.sources
    ]
    return ", else ".join(said)
