"""Where the value of an attribute comes from: a column, another table, or the stored document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol

from sqlalchemy import (
    Select,
    exists,
    false,
    literal,
    select,
    true,
    union_all,
)

from connector.domain.model import fold
from connector.ports import BASE_URL_MARK, ENTITLEMENT, GROUP, ROLE, USER
from connector.store.columns import TEXT
from connector.store.group_view import holdings
from connector.store.scim_candidates import CANDIDATES, EXACT, Condition
from connector.store.scim_json import FUNCTIONS, Expression, JsonFunctions, json_value
from connector.store.scim_values import Form, Test, Value, refuse_unstorable
from connector.store.tables import external_ids, resources, users
from scim.errors import InvalidFilter
from scim.evaluate import refuse_hidden
from scim.filters import AttributePath, Operator
from scim.schemas import (
    ENTERPRISE_USER,
    Attribute,
    Schema,
    Target,
    resolve,
)
from scim.schemas import ENTITLEMENT as ENTITLEMENT_SCHEMA
from scim.schemas import GROUP as GROUP_SCHEMA
from scim.schemas import ROLE as ROLE_SCHEMA
from scim.schemas import USER as USER_SCHEMA


class KindSchemas(Protocol):
    """What filters over one kind may name; a :class:`scim.resources.ResourceType` will do."""

    @property
    def schema(self) -> Schema:
        """The core schema."""

    @property
    def extensions(self) -> Sequence[Schema]:
        """The extensions."""


@dataclass(frozen=True)
class SchemaSet:
    """A core schema with its extensions."""

    schema: Schema
    extensions: tuple[Schema, ...] = ()


Schemas = Mapping[str, KindSchemas]

STANDARD_SCHEMAS: Schemas = {
    USER: SchemaSet(USER_SCHEMA, (ENTERPRISE_USER,)),
    GROUP: SchemaSet(GROUP_SCHEMA),
    ENTITLEMENT: SchemaSet(ENTITLEMENT_SCHEMA),
    ROLE: SchemaSet(ROLE_SCHEMA),
}
"""The schemas of the RFCs, for a store that is told no others."""


@dataclass(frozen=True)
class Context:
    """For whom a filter is compiled."""

    tenant: str
    kind: str
    schemas: KindSchemas
    dialect: str
    external_id_scope: str = ""

    @property
    def functions(self) -> JsonFunctions:
        """The JSON functions of the database."""
        return FUNCTIONS[self.dialect]


# Another name than the joined table's, whose rows are the reader's own as well.
_external_ids = external_ids.alias("asked_ids")

_NAME = Value(resources.c.name_key, Form.FOLDED)

_COLUMNS: Mapping[str, Mapping[str, Value]] = {
    USER: {
        "userName": _NAME,
        "displayName": Value(resources.c.display_key, Form.FOLDED),
        "name.givenName": Value(resources.c.given_key, Form.FOLDED),
        "name.familyName": Value(resources.c.family_key, Form.FOLDED),
        "active": Value(resources.c.active, Form.BOOLEAN),
    },
    GROUP: {"displayName": _NAME},
    ENTITLEMENT: {"displayName": _NAME},
    ROLE: {"displayName": _NAME},
}
_COMMON_COLUMNS: Mapping[str, Value] = {
    "id": Value(resources.c.scim_id, Form.EXACT),
    "meta.created": Value(resources.c.created_at, Form.INSTANT),
    "meta.lastModified": Value(resources.c.last_modified_at, Form.INSTANT),
}


# A member's attributes, folded beforehand: they are compared once for each membership. The URL is
# written as in documents.
_MEMBER_VALUES: Mapping[str, Value] = {
    "value": Value(users.c.user_id, Form.EXACT),
    "display": Value(users.c.user_name_key, Form.FOLDED),
    "type": Value(literal(fold(USER), TEXT), Form.FOLDED),
    "$ref": Value(literal(f"{BASE_URL_MARK}/Users/", TEXT) + users.c.user_id, Form.TEXT),
}


class Index(Enum):
    """What an index finds."""

    OF_FEW = "at most a few resources"
    OF_MANY = "perhaps most of them"


_ORDERED = frozenset({Operator.EQ, Operator.GT, Operator.GE, Operator.LT, Operator.LE})
_OPERATORS: Mapping[Form, frozenset[Operator]] = {
    Form.FOLDED: _ORDERED | {Operator.SW},
    Form.EXACT: _ORDERED | {Operator.SW},
    Form.INSTANT: _ORDERED,
    Form.BOOLEAN: frozenset({Operator.EQ}),
}
"""What the index of a column answers, by the form of its values."""


def column_value(kind: str, target: Target) -> Value | None:
    """Return the column that holds an attribute, if one does."""
    name = ".".join(target.json_path)
    return _COMMON_COLUMNS.get(name) or _COLUMNS.get(kind, {}).get(name)


class Resource:
    """A whole resource."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._document = context.functions.document(resources.c.document)

    def target(self, path: AttributePath) -> Target:
        """Return what a path names.

        :raises InvalidFilter: nothing.
        """
        schemas = self._context.schemas
        target = resolve(path, schemas.schema, schemas.extensions)
        if target is None:
            raise InvalidFilter(f"{schemas.schema.name} has no attribute {path}.")
        refuse_hidden(target)
        return target

    def any(self, target: Target, test: Test) -> Condition:
        """Return whether some value of the attribute passes the test."""
        if self._is_members(target):
            sub = target.sub_attribute or target.attribute
            return self._any_member(Member(target.attribute).any(Target(sub), test))
        value = self.value(target)
        if value is not None and not (value.form is Form.INSTANT and test.wants_text):
            return test(value)
        return _any_at(self._context.functions, self._document, _steps(target), target.leaf, test)

    def any_element(
        self, target: Target, compiled: Callable[[Element | Member], Condition]
    ) -> Condition:
        """Return whether one and the same element passes."""
        if self._is_members(target):
            return self._any_member(compiled(Member(target.attribute)))
        functions = self._context.functions
        rows = functions.elements(self._document, target.json_path)
        inner = compiled(Element(functions, rows.c.value, target.attribute))
        return exists(select(1).select_from(rows).where(inner))

    def value(self, target: Target) -> Value | None:
        """Return the single value that stands in a column."""
        if target.json_path == ("externalId",):
            own = self._external_ids().where(_external_ids.c.scim_id == resources.c.scim_id)
            return Value(own.scalar_subquery(), Form.TEXT)
        return column_value(self._context.kind, target)

    def index(self, target: Target, operator: Operator, wanted: object) -> Index | None:
        """Return the index that answers a comparison, None where none does."""
        value = column_value(self._context.kind, target)
        if value is not None:
            is_one = operator is Operator.EQ and value.form in (Form.FOLDED, Form.EXACT)
            found = Index.OF_FEW if is_one else Index.OF_MANY
            return found if operator in _OPERATORS[value.form] else None
        name = ".".join(target.json_path)
        if operator is not Operator.EQ:
            return None
        if self._context.kind == USER and name in EXACT:
            return None if self.holders(target, wanted) is None else Index.OF_MANY
        if self._context.kind == USER and name == "roles.value":
            return Index.OF_MANY
        is_known = name == "externalId" or (self._is_members(target) and name == "members.value")
        is_known |= self._context.kind == USER and name in CANDIDATES
        return Index.OF_FEW if is_known else None

    def candidates(self, target: Target, wanted: object) -> Condition:
        """Return a condition that an index answers and that holds wherever ``target eq wanted``
        holds; true where there is none."""
        name = ".".join(target.json_path)
        if not isinstance(wanted, str):
            return true()
        if name == "externalId":
            same = self._external_ids().where(_external_ids.c.external_id == wanted)
            return resources.c.scim_id.in_(same.with_only_columns(_external_ids.c.scim_id))
        find = CANDIDATES.get(name) if self._context.kind == USER else None
        return find(self._context.tenant, fold(wanted)) if find else true()

    def holders(self, target: Target, wanted: object) -> Select[Any] | None:
        """Return the ids of just those for whom ``target eq wanted`` holds, where the mirror's
        tables tell without a look into documents; None where they do not."""
        find = EXACT.get(".".join(target.json_path)) if self._context.kind == USER else None
        if find is None or not isinstance(wanted, str) or not target.leaf.case_exact:
            return None
        refuse_unstorable(wanted)
        return find(self._context.tenant, wanted)

    def _is_members(self, target: Target) -> bool:
        return self._context.kind == GROUP and target.json_path[0] == "members"

    def _any_member(self, condition: Condition) -> Condition:
        held = [holding.where(condition) for holding in holdings(self._context.tenant)]
        return resources.c.scim_id.in_(union_all(*held))

    def _external_ids(self) -> Select[Any]:
        return select(_external_ids.c.external_id).where(
            _external_ids.c.tenant == self._context.tenant,
            _external_ids.c.kind == self._context.kind,
            _external_ids.c.scope == self._context.external_id_scope,
        )


class Element:
    """One element of a multi-valued attribute in a document."""

    def __init__(self, functions: JsonFunctions, base: Expression, attribute: Attribute) -> None:
        self._functions = functions
        self._base = base
        self._attribute = attribute

    def target(self, path: AttributePath) -> Target:
        """Return the sub-attribute that a path names.

        :raises InvalidFilter: none.
        """
        return sub_target(path, self._attribute)

    def any(self, target: Target, test: Test) -> Condition:
        """Return whether some value of the sub-attribute passes the test."""
        steps = () if target.attribute is self._attribute else _steps(target)
        return _any_at(self._functions, self._base, steps, target.leaf, test)


class Single:
    """The value of an attribute that has one at most, as the only element in brackets."""

    def __init__(self, resource: Resource, target: Target) -> None:
        self._resource = resource
        self._target = target

    def target(self, path: AttributePath) -> Target:
        """Return the sub-attribute that a path names.

        :raises InvalidFilter: none.
        """
        found = sub_target(path, self._target.attribute).attribute
        if found is self._target.attribute:
            return self._target
        return replace(self._target, sub_attribute=found)

    def any(self, target: Target, test: Test) -> Condition:
        """Return whether the value passes the test."""
        return self._resource.any(target, test)


class Member:
    """One member of a group, whose attributes are columns."""

    def __init__(self, attribute: Attribute) -> None:
        self._attribute = attribute

    def target(self, path: AttributePath) -> Target:
        """Return the sub-attribute that a path names.

        :raises InvalidFilter: none.
        """
        return sub_target(path, self._attribute)

    def any(self, target: Target, test: Test) -> Condition:
        """Return whether the sub-attribute passes the test."""
        value = _MEMBER_VALUES.get(target.attribute.name)
        return false() if value is None else test(value)


def sub_target(path: AttributePath, attribute: Attribute) -> Target:
    """Return what a path inside brackets names.

    :raises InvalidFilter: no sub-attribute of *attribute*.
    """
    sub = attribute.find(path.attribute)
    if sub is None and not attribute.is_complex and path.attribute.lower() == "value":
        return Target(attribute)
    if sub is None or path.sub_attribute or path.schema:
        raise InvalidFilter(f"{attribute.name} has no sub-attribute {path}.")
    return Target(sub)


Step = tuple[str, bool]
"""A key, and whether a list stands there."""


def _steps(target: Target) -> Sequence[Step]:
    steps = [(target.extension.id, False)] if target.extension else []
    steps.append((target.attribute.name, target.attribute.multi_valued))
    if target.sub_attribute:
        steps.append((target.sub_attribute.name, target.sub_attribute.multi_valued))
    return steps


def _any_at(
    functions: JsonFunctions, base: Expression, steps: Sequence[Step], leaf: Attribute, test: Test
) -> Condition:
    keys = []
    for number, (key, is_list) in enumerate(steps, start=1):
        keys.append(key)
        if is_list:
            rows = functions.elements(base, keys)
            inner = _any_at(functions, rows.c.value, steps[number:], leaf, test)
            return exists(select(1).select_from(rows).where(inner))
    return test(json_value(functions, base, keys, leaf))
