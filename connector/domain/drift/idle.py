"""Rules of ``drift.policy`` that no finding can ever fit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from connector.domain.drift.difference import Drift, DriftKind
from connector.domain.drift.remedies import Place, conditions_of, covers
from connector.domain.model import ORGANIZATION_ADMIN, Catalogue
from connector.domain.policy.coverage import is_read_whole, read_accounts, with_nearest
from connector.domain.policy.entitlement_rules import Policy
from connector.settings import DriftRule, TenantSettings
from mappings.wording import nearest_or_all

_ANY = "*"
_PROFILE, _GROUP, _ROLE, _NONE = "profile", "group", "role", ""


_NOWHERE = Place()


@dataclass(frozen=True)
class _Shape:
    """What findings of a class are about; see :mod:`connector.domain.drift.comparison`."""

    attribute: str = ""
    about: tuple[str, ...] = (_NONE,)
    in_account: bool = False


_ENTITLEMENTS = (_PROFILE, _GROUP)
_GRANTS = (
    _Shape("membership", (_NONE, _PROFILE), in_account=True),
    _Shape("profile", (_PROFILE,), in_account=True),
    _Shape("group", (_GROUP,), in_account=True),
)
_SHAPES: Mapping[DriftKind, tuple[_Shape, ...]] = {
    DriftKind.NATIVE_GRANT: _GRANTS,
    DriftKind.LOST_GRANT: (*_GRANTS, _Shape("role", (_ROLE,))),
    DriftKind.CHANGED_ATTRIBUTE: tuple(
        _Shape(name) for name in ("name", "email", "job_title", "company")
    ),
    DriftKind.UNMANAGED_USER: (_Shape(),),
    DriftKind.VANISHED_USER: (_Shape(),),
    DriftKind.UNEXPECTED_ADMIN: (_Shape("role", (_ROLE,)),),
    DriftKind.CHANGED_ENTITLEMENT: (
        _Shape("name", _ENTITLEMENTS, in_account=True),
        _Shape("is_admin", _ENTITLEMENTS, in_account=True),
    ),
    DriftKind.GONE_ENTITLEMENT: (_Shape("", _ENTITLEMENTS, in_account=True),),
    DriftKind.DOCUSIGN_SCIM: (_Shape(), _Shape("", _ENTITLEMENTS, in_account=True)),
    DriftKind.DORMANT_USER: (_Shape(),),
    DriftKind.PENDING_USER: (_Shape("", in_account=True),),
    DriftKind.ORPHAN_USER: (_Shape(),),
}


def idle_drift_rules(policy: Policy, tenant: TenantSettings, catalogue: Catalogue) -> Iterator[str]:
    """Yield a sentence for each rule of the tenant that no finding can fit.

    Passed over is what may concern an account of which nothing was read yet.
    """
    places = list(_places(policy, catalogue))
    is_whole = is_read_whole(tenant, catalogue)
    for number, rule in enumerate(tenant.drift.policy, 1):
        in_account = DriftRule(account=rule.account)
        here = any(item.account and _fits(in_account, place=item) for _, item in places)
        may_be_unread = not is_whole and (rule.account == _ANY or not here)
        if _is_idle(rule, places) and not (may_be_unread and _fits_somewhere(rule)):
            yield (
                f"Rule {number} of the tenant {tenant.name!r} (drift.policy; "
                f"{conditions_of(rule)}) fits no finding that there can be: what it is meant for "
                f"goes by another rule, or is only reported. {_hint(rule, places)}"
            )


def _is_idle(rule: DriftRule, places: Collection[tuple[str, Place]]) -> bool:
    return not any(
        covers(rule, _example(kind, shape), place)
        for kind, shapes in _SHAPES.items()
        for shape in shapes
        for about, place in places
        if about in shape.about and bool(place.account) == shape.in_account
    )


def _fits_somewhere(rule: DriftRule) -> bool:
    """Return whether findings of the class have what the rule asks for, whatever their names."""
    return any(
        _fits(DriftRule(rule.kind, attribute=rule.attribute), kind, shape)
        and (rule.account == _ANY or shape.in_account)
        and (rule.entitlement == _ANY or shape.about != (_NONE,))
        for kind, shapes in _SHAPES.items()
        for shape in shapes
    )


def _fits(
    rule: DriftRule,
    kind: DriftKind = DriftKind.NATIVE_GRANT,
    shape: _Shape = _Shape(),
    place: Place = _NOWHERE,
) -> bool:
    return covers(rule, _example(kind, shape), place)


def _example(kind: DriftKind, shape: _Shape) -> Drift:
    return Drift(kind, "", "", attribute=shape.attribute)


def _places(policy: Policy, catalogue: Catalogue) -> Iterator[tuple[str, Place]]:
    """Yield what findings may be about: nothing, an account, and each entitlement."""
    yield _NONE, Place()
    yield _ROLE, Place((), _named(ORGANIZATION_ADMIN, policy))
    for account_id in read_accounts(catalogue):
        yield _NONE, Place(policy.account_names(account_id, catalogue))
    for profile in catalogue.profiles.values():
        account = policy.account_names(profile.account_id, catalogue)
        yield _PROFILE, Place(account, (profile.scim_id, profile.name))
    for group in catalogue.groups.values():
        account = policy.account_names(group.account_id, catalogue)
        yield _GROUP, Place(account, (group.scim_id, group.name))


def _named(role_id: str, policy: Policy) -> tuple[str, ...]:
    role = policy.roles.get(role_id)
    return (role_id, role.display) if role else (role_id,)


def _hint(rule: DriftRule, places: Collection[tuple[str, Place]]) -> str:
    """Return what is wrong with it: the first condition that nothing fits, or the ones that do not
    go together."""
    kinds = [kind for kind in DriftKind if _fits(DriftRule(rule.kind), kind)]
    if not kinds:
        near = nearest_or_all(rule.kind, [str(kind) for kind in DriftKind])
        return f"No class is called {rule.kind!r}: {near}"
    accounts = sorted({name for _, place in places for name in place.account})
    if _is_idle(DriftRule(account=rule.account), places):
        near = with_nearest(rule.account, accounts)
        return f"No account is called {rule.account!r}{near or '.'}"
    names = sorted({place.entitlement[-1] for _, place in places if place.entitlement})
    if _is_idle(DriftRule(entitlement=rule.entitlement), places):
        near = with_nearest(rule.entitlement, names)
        return f"No profile, group or role is called {rule.entitlement!r}{near or '.'}"
    attributes = sorted({shape.attribute for kind in kinds for shape in _SHAPES[kind]} - {""})
    if _is_idle(replace(rule, account=_ANY, entitlement=_ANY), places):
        there = f"have {', '.join(attributes)}" if attributes else "have none"
        return f"Its attribute is none of its class: these {there}."
    if not any(shape.in_account for kind in kinds for shape in _SHAPES[kind]):
        return "Findings of its class are about no single account: leave `account` out."
    return "Its conditions do not go together: nothing fits all of them."
