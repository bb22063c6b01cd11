"""Filters that clients could send, sensible and not, over every attribute of the schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from connector.domain.model import ORGANIZATION_ADMIN
from scim.filters import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    Present,
    ValuePath,
)
from scim.schemas import Attribute
from tests.contract.store import people
from tests.contract.store.random_people import ATTESTED_ROLE, MANUAL_ROLE, SCHEMAS, TEXTS, TIMES

_LITERALS: Mapping[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(TEXTS) | st.sampled_from(["work", "closed", "ACTIVE", "b"]),
    "reference": st.sampled_from(TEXTS),
    "binary": st.sampled_from(TEXTS),
    "boolean": st.booleans() | st.sampled_from(["True", "false"]),
    "integer": st.integers(-3, 3) | st.just(2**70),
    "decimal": st.sampled_from([Decimal("1.25"), Decimal("-0.5"), 0, 1]),
    "dateTime": st.sampled_from(TIMES)
    | st.sampled_from(
        [
            "2026-11-23T09:15:30.123+01:00",
            "2026-11-23T08:15:30.1234Z",
            "2026-11-23T24:15:30Z",
            "2026-11-23T08:15",
            "nonsense",
        ]
    ),
}
_KNOWN_VALUES = st.sampled_from(
    [
        people.in_group(1),
        people.in_group(2, people.OTHER_ACCOUNT),
        f"{people.ACCOUNT}.1",
        f"{people.OTHER_ACCOUNT}.2",
        people.in_group(4),
        people.in_group(1).upper(),
        f"{people.ACCOUNT}.g",
        f"role.{ORGANIZATION_ADMIN}",
        MANUAL_ROLE,
        ATTESTED_ROLE,
        ORGANIZATION_ADMIN,
        people.ACCOUNT,
        "user-00003",
        "3@x.com",
        "A7@X.com",
        'W/"user-00005"',
    ]
)
_MOSTLY_RIGHT: Mapping[str, Sequence[Operator]] = {
    "string": list(Operator),
    "reference": list(Operator),
    "binary": list(Operator),
    "boolean": [Operator.EQ, Operator.NE],
    "integer": [o for o in Operator if o not in (Operator.CO, Operator.SW, Operator.EW)],
    "decimal": [o for o in Operator if o not in (Operator.CO, Operator.SW, Operator.EW)],
    "dateTime": list(Operator),
    "complex": list(Operator),
}


def _comparisons(paths: Sequence[tuple[AttributePath, Attribute]]) -> st.SearchStrategy[Filter]:
    @st.composite
    def comparison(draw: st.DrawFn) -> Filter:
        path, attribute = paths[draw(st.integers(0, len(paths) - 1))]
        kind = draw(st.integers(0, 9))
        if kind == 0:
            return Present(path)
        if kind == 1:
            return Comparison(path, draw(st.sampled_from([Operator.EQ, Operator.NE])), None)
        literals = _LITERALS.get(attribute.type, st.sampled_from(TEXTS))
        if attribute.type in ("string", "complex", "reference"):
            literals |= _KNOWN_VALUES
        operator = draw(st.sampled_from(_MOSTLY_RIGHT[attribute.type]))
        return Comparison(path, operator, draw(literals))

    return comparison()


def _paths(kind: str) -> list[tuple[AttributePath, Attribute]]:
    schemas = SCHEMAS[kind]
    found = [
        (AttributePath("id"), Attribute("id")),
        (AttributePath("externalId"), Attribute("externalId")),
        (AttributePath("meta", "created"), Attribute("created", "dateTime")),
        (AttributePath("META", "lastmodified"), Attribute("lastModified", "dateTime")),
        (AttributePath("meta", "resourceType"), Attribute("resourceType")),
        (AttributePath("noSuchThing"), Attribute("noSuchThing")),
    ]
    for schema in (schemas.schema, *schemas.extensions):
        urn = None if schema is schemas.schema else schema.id
        for attribute in schema.attributes:
            if attribute.name in ("photos", "ims", "addresses", "x509Certificates", "phoneNumbers"):
                continue
            found.append((AttributePath(attribute.name, None, urn), attribute))
            found += [
                (AttributePath(attribute.name, sub.name.upper(), urn), sub)
                for sub in attribute.sub_attributes
            ]
    return found


def _value_paths(kind: str) -> st.SearchStrategy[Filter]:
    schemas = SCHEMAS[kind]
    choices: list[st.SearchStrategy[Filter]] = []
    for schema in (schemas.schema, *schemas.extensions):
        urn = None if schema is schemas.schema else schema.id
        for attribute in schema.attributes:
            subs = [(AttributePath(sub.name), sub) for sub in attribute.sub_attributes]
            # What is not complex has its value alone.
            subs = subs or [(AttributePath("value"), attribute)]
            inner = _combined(_comparisons(subs), 3)
            path = AttributePath(attribute.name, None, urn)
            choices.append(st.builds(ValuePath, st.just(path), inner))
    return st.one_of(choices)


def _combined(leaves: st.SearchStrategy[Filter], size: int) -> st.SearchStrategy[Filter]:
    return st.recursive(
        leaves,
        lambda inner: st.builds(And, inner, inner) | st.builds(Or, inner, inner) | inner.map(Not),
        max_leaves=size,
    )


def filters(kind: str) -> st.SearchStrategy[Filter]:
    """Return filters on users or groups, up to four comparisons deep."""
    return _combined(_comparisons(_paths(kind)) | _value_paths(kind), 4)
