"""Reads the mappings and checks them as a whole: every error at once, each with its path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from marshmallow import (
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validate,
)

from mappings.model import (
    OF_THE_TENANT,
    Approvers,
    EntitlementMapping,
    EntitlementRule,
    FieldMapping,
    Instructions,
    Role,
    Source,
    UserMapping,
)
from mappings.transforms import TRANSFORMS
from mappings.wording import Strict, lines

PERSON_FIELDS = (
    "email",
    "user_name",
    "first_name",
    "last_name",
    "middle_name",
    "suffix",
    "job_title",
    "company",
)
"""What DocuSign holds of a person and the connector writes."""
PLACEHOLDERS = frozenset({"email", "full_name", "user_id", "entitlement", "docusign_admin"})
"""What instructions may name."""
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class MappingError(ValueError):
    """A mapping cannot be used.

    :param problems: one line each, ``path.in.the.file: what is wrong``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load_user_mapping(override: Mapping[str, Any] | None = None) -> UserMapping:
    """Return ``user.yaml`` with *override* over it.

    A field or a schema under ``kept`` named in *override* replaces ours as a whole; ``null``
    removes it.

    :raises MappingError: with every problem found.
    """
    return _user_mapping(override) if override else _shipped_user_mapping()


@cache
def _shipped_user_mapping() -> UserMapping:
    """Return the mapping of all tenants that change nothing of it."""
    return _user_mapping({})


def _user_mapping(override: Mapping[str, Any]) -> UserMapping:
    data = _merged(_shipped("user.yaml"), override, ("fields", "kept"))
    loaded: UserMapping = _load(_UserMappingSchema(), data)
    return loaded


def load_entitlements(
    roles: Mapping[str, Any] | None = None,
    entitlements: Sequence[Mapping[str, Any]] = (),
) -> EntitlementMapping:
    """Return ``entitlements.yaml`` with a tenant's roles over it and its rules before ours.

    :param roles: by role id; a role of ours may be changed in part.
    :param entitlements: the tenant's rules; the first that covers an entitlement counts, as a
        whole.
    :raises MappingError: with every problem found.
    """
    if roles or entitlements:
        return _entitlement_mapping(roles or {}, entitlements)
    return _shipped_entitlements()


@cache
def _shipped_entitlements() -> EntitlementMapping:
    """Return the mapping of all tenants that change nothing of it."""
    return _entitlement_mapping({}, ())


def _entitlement_mapping(
    roles: Mapping[str, Any], entitlements: Sequence[Mapping[str, Any]]
) -> EntitlementMapping:
    shipped = _shipped("entitlements.yaml")
    merged = {
        role_id: {**shipped["roles"].get(role_id, {"fulfilment": "manual"}), **(role or {})}
        for role_id, role in {**shipped["roles"], **roles}.items()
    }
    rules = [
        *_with_source(entitlements, OF_THE_TENANT),
        *_with_source(shipped["entitlements"], "of mappings/entitlements.yaml"),
    ]
    loaded: EntitlementMapping = _load(
        _EntitlementMappingSchema(), {"entitlements": rules, "roles": merged}
    )
    return loaded


def _with_source(rules: Sequence[Any], owner: str) -> list[Any]:
    return [
        {**rule, "source": f"rule {number} {owner}"} if isinstance(rule, Mapping) else rule
        for number, rule in enumerate(rules, 1)
    ]


@cache
def _shipped(name: str) -> dict[str, Any]:
    # Each caller gets data of its own; reading YAML takes a hundred times longer than copying.
    return deepcopy(_parsed(name))


@cache
def _parsed(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(files("mappings").joinpath(name).read_text("utf-8"))
    return loaded


def _merged(
    shipped: Mapping[str, Any], override: Mapping[str, Any], parts: Sequence[str]
) -> dict[str, Any]:
    merged = {**shipped, **override}
    for part in parts:
        both = {**shipped[part], **(override.get(part) or {})}
        merged[part] = {name: value for name, value in both.items() if value is not None}
    return merged


def _load(schema: Schema, data: Mapping[str, Any]) -> Any:
    try:
        return schema.load(data)
    except ValidationError as error:
        raise MappingError(lines(error.messages)) from error


def _known_transform(name: str) -> None:
    if name not in TRANSFORMS:
        raise ValidationError(f"unknown transform {name!r}; there are {', '.join(TRANSFORMS)}")


def _known_placeholders(step: str) -> None:
    unknown = set(_PLACEHOLDER.findall(step)) - PLACEHOLDERS
    if unknown:
        allowed = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
        raise ValidationError(f"unknown {{{sorted(unknown)[0]}}}; instructions may name {allowed}")


def _names() -> fields.List[str]:
    return fields.List(fields.String(validate=_known_transform), load_default=list)


class _SourceSchema(Strict):
    attribute = fields.String(load_default=None)
    from_fields = fields.List(
        fields.String(validate=validate.OneOf(PERSON_FIELDS)), load_default=list
    )
    to_directory = _names()
    to_scim = _names()
    keep_when_different = fields.Boolean(load_default=False)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Source:
        if bool(data["attribute"]) == bool(data["from_fields"]):
            raise ValidationError("give either 'attribute' or 'from_fields'")
        for name in ("from_fields", "to_directory", "to_scim"):
            data[name] = tuple(data[name])
        return Source(**data)


class _FieldSchema(Strict):
    sources = fields.List(
        fields.Nested(_SourceSchema), required=True, validate=validate.Length(min=1)
    )
    required = fields.Boolean(load_default=False)
    case_exact = fields.Boolean(load_default=True)


class _UserMappingSchema(Strict):
    fields_ = fields.Dict(
        keys=fields.String(validate=validate.OneOf(PERSON_FIELDS)),
        values=fields.Nested(_FieldSchema),
        required=True,
        data_key="fields",
    )
    kept = fields.Dict(
        keys=fields.String(validate=validate.ContainsNoneOf(" ")),
        values=fields.List(fields.String()),
        required=True,
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> UserMapping:
        mapped = data["fields_"]
        # A value put together from other fields needs those first.
        order = sorted(mapped, key=lambda name: any(s.from_fields for s in mapped[name]["sources"]))
        return UserMapping(
            fields=tuple(
                FieldMapping(
                    name,
                    tuple(mapped[name]["sources"]),
                    mapped[name]["required"],
                    mapped[name]["case_exact"],
                )
                for name in order
            ),
            kept={schema: tuple(names) for schema, names in data["kept"].items()},
        )


class _InstructionsSchema(Strict):
    grant = fields.List(fields.String(validate=_known_placeholders), load_default=list)
    revoke = fields.List(fields.String(validate=_known_placeholders), load_default=list)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Instructions:
        return Instructions(tuple(data["grant"]), tuple(data["revoke"]))


class _ApproversSchema(Strict):
    people = fields.List(fields.String(validate=validate.Length(min=1)), load_default=list)
    groups = fields.List(fields.String(validate=validate.Length(min=1)), load_default=list)
    manager = fields.Boolean(load_default=False)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Approvers:
        return Approvers(tuple(data["people"]), tuple(data["groups"]), data["manager"])


def _days() -> fields.Integer:
    return fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=1)
    )


class _WhoSaysWhy(fields.Boolean):
    """``requester``, ``approver``, ``both``, or a boolean: true is the approver."""

    default_error_messages = {"invalid": "must be true, false, approver, requester or both"}  # noqa: RUF012

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if value in ("approver", "requester", "both"):
            return value
        return "approver" if super()._deserialize(value, *args, **kwargs) else ""


class _MeaningSchema(Strict):
    risk = fields.String(
        load_default="low", validate=validate.OneOf(("low", "medium", "high", "critical"))
    )
    owner = fields.String(load_default="")
    fulfilment = fields.String(
        load_default="automatic", validate=validate.OneOf(("automatic", "approval", "manual"))
    )
    approvers = fields.Nested(_ApproversSchema, load_default=Approvers())
    approvals_needed = fields.Integer(
        load_default=1, strict=True, validate=validate.Range(min=1, max=20)
    )
    expires_days = _days()
    on_expiry = fields.String(load_default="deny", validate=validate.OneOf(("deny", "escalate")))
    escalate_to = fields.Nested(_ApproversSchema, load_default=Approvers())
    remind_days = _days()
    reason_required = _WhoSaysWhy(load_default="")
    after_approval = fields.String(
        load_default="automatic", validate=validate.OneOf(("automatic", "manual"))
    )
    instructions = fields.Nested(_InstructionsSchema, load_default=Instructions())
    deep_link = fields.Url(load_default=None, allow_none=True, schemes={"https"})
    due_days = _days()
    verification = fields.String(
        load_default="attestation",
        validate=validate.OneOf(("organization_admin", "docusign", "attestation")),
    )
    on_drift = fields.String(
        load_default="", validate=validate.OneOf(("", "report", "accept", "revert"))
    )

    def _check_approval(self, data: Mapping[str, Any]) -> None:
        approvers, needed = data["approvers"], data["approvals_needed"]
        only_people = bool(approvers) and not approvers.groups
        count = len(set(map(str.casefold, approvers.people))) + approvers.manager
        if only_people and count < needed:
            raise ValidationError(
                f"{needed} have to agree, but only {count} may decide", "approvals_needed"
            )
        if data["on_expiry"] == "escalate" and not data["escalate_to"]:
            raise ValidationError("say to whom: 'escalate_to'", "on_expiry")
        named = bool(approvers) or needed != 1 or bool(data["reason_required"])
        if named and data["fulfilment"] != "approval":
            raise ValidationError(
                "approvers are asked only with 'fulfilment: approval'", "fulfilment"
            )


class _RuleSchema(_MeaningSchema):
    match = fields.String(load_default="*", validate=validate.Length(min=1))
    kind = fields.String(load_default="", validate=validate.OneOf(("", "profile", "group")))
    account = fields.String(load_default="*", validate=validate.Length(min=1))
    source = fields.String(load_default="")
    verification = fields.String(load_default="docusign", validate=validate.OneOf(("docusign",)))

    @pre_load
    def _narrow(self, data: Any, **_: Any) -> Any:
        # A rule without any condition is a slip more often than a wish; match: "*" says it.
        if isinstance(data, Mapping) and not {"match", "kind", "account"} & data.keys():
            raise ValidationError("say what it is for: 'match', 'kind' or 'account'", "match")
        return data

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> EntitlementRule:
        self._check_approval(data)
        return EntitlementRule(**data)


class _RoleSchema(_MeaningSchema):
    display = fields.String(required=True, validate=validate.Length(min=1))
    description = fields.String(load_default="")

    @post_load
    def _check(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data["fulfilment"] == "automatic":
            raise ValidationError(
                "a role is granted by people: 'manual', or 'approval' before that", "fulfilment"
            )
        if data["verification"] == "docusign":
            raise ValidationError(
                "no list of DocuSign shows a role: 'organization_admin' or 'attestation'",
                "verification",
            )
        if not data["instructions"].grant or not data["instructions"].revoke:
            raise ValidationError("give the steps for both grant and revoke", "instructions")
        self._check_approval(data)
        return {**data, "after_approval": "manual"}


class _EntitlementMappingSchema(Strict):
    entitlements = fields.List(fields.Nested(_RuleSchema), load_default=list)
    roles = fields.Dict(
        keys=fields.String(
            validate=validate.Regexp(
                r"[a-z0-9][a-z0-9-]{0,63}\Z",
                error="a role id has lower-case letters, digits and hyphens",
            )
        ),
        values=fields.Nested(_RoleSchema),
        load_default=dict,
    )

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> EntitlementMapping:
        roles = {role_id: Role(role_id=role_id, **role) for role_id, role in data["roles"].items()}
        return EntitlementMapping(rules=tuple(data["entitlements"]), roles=roles)
