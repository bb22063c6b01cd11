"""Compiles SCIM filters to SQL conditions over ``resources`` (RFC 7644 §3.4.2.2).

:mod:`scim.evaluate` says what a filter means; a test compares the two. Where an attribute's value
comes from is told by :mod:`connector.store.scim_sources`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, not_, or_

from connector.store.scim_sources import Context, Element, Index, Member, Resource, Single
from connector.store.scim_values import Compares, assigned
from connector.store.tables import resources
from scim.errors import InvalidFilter
from scim.evaluate import literal_for
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
from scim.schemas import Attribute, Schema, Target, find_schema

Condition = ColumnElement[bool]
Source = Resource | Element | Member | Single


def compile_filter(filter_: Filter, context: Context) -> Condition:
    """Return the condition on ``resources`` that the filter means.

    :raises InvalidFilter: an unknown attribute or an impossible comparison.
    """
    return _Compiler(Resource(context), context.schemas.extensions).compile(filter_)


def compile_terms(
    filter_: Filter, context: Context
) -> tuple[Sequence[Condition], Sequence[Select[Any]]]:
    """Return the filter as conditions and as selects of users, each of which has to hold.

    The selects are of users who hold something: how they are best looked for depends on how many
    there are.

    :raises InvalidFilter: as :func:`compile_filter`.
    """
    compiler = _Compiler(Resource(context), context.schemas.extensions)
    conditions: list[Condition] = []
    holders: list[Select[Any]] = []
    for term in _conjuncts(filter_):
        found = compiler.holders(term)
        if found is None:
            conditions.append(compiler.compile(term))
        else:
            holders.append(found)
    return conditions, holders


def compile_recent(filter_: Filter, context: Context) -> list[Condition]:
    """Return the conditions ``meta.lastModified gt …`` and the like that every match satisfies."""
    compiler = _Compiler(Resource(context), context.schemas.extensions)
    return [
        compiler.compile(term)
        for term in _conjuncts(filter_)
        if isinstance(term, Comparison)
        and term.operator in (Operator.GT, Operator.GE)
        and term.path.attribute.lower() == "meta"
    ]


def is_answered_by_index(filter_: Filter, context: Context) -> bool:
    """Return whether indexes find those who pass a filter, or so few that looking at each of them
    is nothing; else every resource is looked at."""
    return _Compiler(Resource(context), context.schemas.extensions).is_answered(filter_)


def slow_terms(filter_: Filter, context: Context) -> int:
    """Return for how many comparisons of a filter every resource is looked at."""
    return _Compiler(Resource(context), context.schemas.extensions).slow_terms(filter_)


def plain_name(path: AttributePath, schema: Schema) -> str | None:
    """Return the lower-case name of a top-level attribute of the core schema, else None."""
    if path.sub_attribute or (path.schema and path.schema.lower() != schema.id.lower()):
        return None
    return path.attribute.lower()


class _Compiler:
    """Walks a filter over one source of values."""

    def __init__(self, source: Source, extensions: Sequence[Schema] = ()) -> None:
        self._source = source
        self._extensions = extensions

    def compile(self, node: Filter) -> Condition:
        holders = self.holders(node)
        return self._compile(node) if holders is None else resources.c.scim_id.in_(holders)

    def _compile(self, node: Filter) -> Condition:
        match node:
            case And(left, right):
                return and_(self.compile(left), self.compile(right))
            case Or():
                return or_(*map(self.compile, self._alternatives(node)))
            case Not(operand):
                return not_(self.compile(operand))
            case Present(path):
                return self._present(path)
            case ValuePath(path, inner):
                return self._value_path(path, inner)
            case Comparison():
                return self._comparison(node)

    def holders(self, node: Filter) -> Select[Any] | None:
        """Return who passes a filter that asks for holders of something, None for any other."""
        asked = self._asked_of_one(node) if isinstance(self._source, Resource) else None
        if asked is None or not isinstance(self._source, Resource):
            return None
        target, term = asked
        return self._source.holders(target, literal_for(target.leaf, term))

    def _asked_of_one(self, node: Filter) -> tuple[Target, Comparison] | None:
        """Return what is compared by ``groups.value eq …`` or ``groups[value eq …]`` alone."""
        match node:
            case Comparison(path, Operator.EQ, _):
                return _with_value(self._source.target(path), node), node
            case ValuePath(path, Comparison(inner, Operator.EQ, _) as term):
                target = self._source.target(path)
                sub = target.attribute.find(inner.attribute)
                is_plain = not (inner.sub_attribute or inner.schema or target.sub_attribute)
                if sub is not None and is_plain:
                    return replace(target, sub_attribute=sub), term
        return None

    def is_answered(self, node: Filter) -> bool:
        """See :func:`is_answered_by_index`."""
        match node:
            case And(left, right):
                each = self.is_answered(left) and self.is_answered(right)
                return each or self._finds_few(left) or self._finds_few(right)
            case Or(left, right):
                return self.is_answered(left) and self.is_answered(right)
        return self._index(node) is not None

    def slow_terms(self, node: Filter) -> int:
        """See :func:`slow_terms`."""
        if self.is_answered(node):
            return 0
        match node:
            case And(left, right) | Or(left, right):
                return self.slow_terms(left) + self.slow_terms(right)
        return _count_terms(node)

    def _finds_few(self, node: Filter) -> bool:
        match node:
            case And(left, right):
                return self._finds_few(left) or self._finds_few(right)
            case Or(left, right):
                return self._finds_few(left) and self._finds_few(right)
        return self._index(node) is Index.OF_FEW

    def _index(self, node: Filter) -> Index | None:
        """Return the index that answers a comparison, or one of those in brackets that an element
        has to pass together."""
        if not isinstance(self._source, Resource):
            return None
        match node:
            case Comparison(path, operator, value) if value is not None:
                target = _with_value(self._source.target(path), node)
                return self._source.index(target, operator, value)
            case ValuePath(path, inner):
                target = self._source.target(path)
                found = [
                    self._source.index(replace(target, sub_attribute=sub), Operator.EQ, term.value)
                    for term, sub in self._equals(target, inner)
                ]
                if Index.OF_FEW in found:
                    return Index.OF_FEW
                return found[0] if found and isinstance(inner, Comparison) else None
        return None

    def _present(self, path: AttributePath) -> Condition:
        extension = find_schema(str(path), self._extensions)
        if extension is not None:
            targets = [Target(item, None, extension) for item in extension.attributes]
            return or_(*(self._assigned(target) for target in targets))
        return self._assigned(self._source.target(path))

    def _assigned(self, target: Target) -> Condition:
        leaf = target.leaf
        if not leaf.is_complex:
            return self._source.any(target, assigned)
        parts = [replace(target, sub_attribute=sub) for sub in leaf.sub_attributes]
        return or_(*(self._assigned(part) for part in parts))

    def _alternatives(self, node: Or) -> Sequence[Filter]:
        """Return the terms of which one has to hold. Those about the elements of one attribute are
        one term, ``a.x co … or a.y co …`` as ``a[x co … or y co …]``: its elements are walked
        through once."""
        alternatives: list[Filter] = []
        together: dict[AttributePath, list[Filter]] = {}
        for term in _disjuncts(node):
            found = self._of_element(term)
            if found is None:
                alternatives.append(term)
            else:
                together.setdefault(found.path, []).append(found.filter)
        return [
            *alternatives,
            *(ValuePath(path, reduce(Or, inner)) for path, inner in together.items()),
        ]

    def _of_element(self, term: Filter) -> ValuePath | None:
        """Return a comparison of the elements of an attribute as one in brackets. One for equality
        stays, which an index may answer, and so does what no element at all passes too."""
        if not isinstance(term, Comparison) or not isinstance(self._source, Resource):
            return None
        if term.operator in (Operator.EQ, Operator.NE):
            return None
        target = _with_value(self._source.target(term.path), term)
        if target.sub_attribute is None or not target.attribute.multi_valued:
            return None
        inner = replace(term, path=AttributePath(target.sub_attribute.name))
        schema = target.extension.id if target.extension else None
        return ValuePath(AttributePath(target.attribute.name, None, schema), inner)

    def _value_path(self, path: AttributePath, inner: Filter) -> Condition:
        target = self._source.target(path)
        if not isinstance(self._source, Resource):
            raise InvalidFilter("A value path cannot stand in another.")
        if not target.attribute.multi_valued:
            one = _Compiler(Single(self._source, target)).compile(inner)
            return and_(self._assigned(target), one)
        held = self._source.any_element(target, lambda element: _Compiler(element).compile(inner))
        return and_(*self._nearer(target, inner), held)

    def _nearer(self, target: Target, inner: Filter) -> Iterator[Condition]:
        """Yield what an index knows about the terms that every matching element satisfies."""
        if not isinstance(self._source, Resource):
            return
        for term, sub in self._equals(target, inner):
            yield self._source.candidates(replace(target, sub_attribute=sub), term.value)

    def _equals(
        self, target: Target, inner: Filter
    ) -> Iterator[tuple[Comparison, Attribute | None]]:
        """Yield the terms ``sub eq value`` that every matching element satisfies."""
        for term in _conjuncts(inner):
            if isinstance(term, Comparison) and term.operator is Operator.EQ:
                yield term, target.attribute.find(term.path.attribute)

    def _comparison(self, node: Comparison) -> Condition:
        target = _with_value(self._source.target(node.path), node)
        wanted = literal_for(target.leaf, node)
        if wanted is None:
            present = self._assigned(target)
            return present if node.operator is Operator.NE else not_(present)
        held = self._source.any(target, Compares(node.operator, wanted, target.leaf))
        if node.operator is Operator.NE:
            return or_(not_(self._assigned(target)), held)
        if node.operator is Operator.EQ and isinstance(self._source, Resource):
            return and_(self._source.candidates(target, wanted), held)
        return held


def _with_value(target: Target, node: Comparison) -> Target:
    """``emails co "@x"`` means ``emails.value co "@x"``."""
    leaf: Attribute = target.leaf
    if target.sub_attribute is not None or not leaf.is_complex or not leaf.multi_valued:
        return target
    value = leaf.find("value")
    if value is None:
        raise InvalidFilter(f"{node.path} is complex: compare one of its sub-attributes.")
    return replace(target, sub_attribute=value)


def _count_terms(node: Filter) -> int:
    match node:
        case And(left, right) | Or(left, right):
            return _count_terms(left) + _count_terms(right)
        case Not(inner) | ValuePath(_, inner):
            return _count_terms(inner)
    return 1


def _disjuncts(node: Filter) -> Iterator[Filter]:
    if isinstance(node, Or):
        yield from _disjuncts(node.left)
        yield from _disjuncts(node.right)
    else:
        yield node


def _conjuncts(node: Filter) -> Iterator[Filter]:
    if isinstance(node, And):
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node
