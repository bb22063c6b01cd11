"""Query strings and headers turned into what handlers get."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from scim.errors import InvalidPath, InvalidSyntax, InvalidValue
from scim.filters import AttributePath, parse_filter, parse_path
from scim.handlers import Preconditions, Projection, Query
from scim.projection import parse_names
from scim.resources import ResourceType
from scim.schemas import Target
from scim.service import ScimConfig

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"|[^\s,"]+')
_DEFAULT_PROJECTION = Projection()
_MAX_PARAMETERS = 50
_LONGEST_KEPT = 500
"""Characters of the query strings that are kept; longer ones are hardly sent twice."""
_LARGEST_NUMBER = 10**15
"""Far beyond every list, and within the 64 bits of a database's integer."""


def parse_query_string(raw: str) -> dict[str, str]:
    """Return the parameters; of a repeated one the first.

    :raises InvalidSyntax: percent-encoding or UTF-8 is broken, or there are too many.
    """
    if raw.count("&") >= _MAX_PARAMETERS:
        raise InvalidSyntax(f"The query string may have {_MAX_PARAMETERS} parameters at most.")
    if _BROKEN_ESCAPE.search(raw):
        raise InvalidSyntax("The query string has a % that begins no escape; send it as %25.")
    parameters: dict[str, str] = {}
    try:
        if not raw.isascii():
            # WSGI hands on raw bytes as Latin-1; some clients do not escape at all.
            raw = raw.encode("latin-1").decode("utf-8")
        # As parse_qsl does, which takes twice as long.
        for pair in filter(None, raw.split("&")):
            name, _, value = pair.partition("=")
            decoded = unquote_plus(value, errors="strict")
            parameters.setdefault(unquote_plus(name, errors="strict"), decoded)
    except ValueError:
        raise InvalidSyntax("The query string must be UTF-8.") from None
    return parameters


class QueryString:
    """What a query string says: read once for all requests that repeat it, as clients do with the
    pages of a list and with whatever they ask again and again.

    :raises InvalidSyntax: it cannot be read.
    :raises InvalidValue: ``dryRun`` is neither true nor false, or it names both attributes and
        excluded ones.
    """

    __slots__ = ("_last", "dry_run", "projection", "values")

    def __init__(self, raw: str) -> None:
        self.values: Mapping[str, str] = parse_query_string(raw)
        self.dry_run = wants_dry_run(self.values)
        self.projection = _projection(self.values)
        self._last: tuple[ScimConfig, ResourceType | None, bool, Query] | None = None

    def query(
        self, config: ScimConfig, resource_type: ResourceType | None = None, *, joined: bool = False
    ) -> Query:
        """Return the search that it describes; see :func:`parse_query`."""
        last = self._last
        if last and last[0] is config and last[1] is resource_type and last[2] is joined:
            return last[3]
        query = parse_query(self.values, config, resource_type, joined=joined)
        self._last = (config, resource_type, joined, query)
        return query


_kept = lru_cache(maxsize=256)(QueryString)


def read_query_string(raw: str) -> QueryString:
    """Return what a query string says; see :class:`QueryString`."""
    return _kept(raw) if len(raw) <= _LONGEST_KEPT else QueryString(raw)


def wants_dry_run(parameters: Mapping[str, str]) -> bool:
    """Return whether ``dryRun``, in any case, says so.

    :raises InvalidValue: it is neither true nor false. Passed over like other unknown parameters,
        it would let through what was not meant to happen.
    """
    said = next((value for name, value in parameters.items() if name.lower() == "dryrun"), "false")
    if said.lower() not in ("true", "false"):
        raise InvalidValue("dryRun is true or false; nothing was changed.")
    return said.lower() == "true"


def _projection(values: Mapping[str, str]) -> Projection:
    attributes, excluded = values.get("attributes"), values.get("excludedAttributes")
    if not attributes and not excluded:
        return _DEFAULT_PROJECTION
    return parse_projection([attributes or ""], [excluded or ""])


def parse_projection(attributes: Iterable[str], excluded: Iterable[str]) -> Projection:
    """Return the projection; of the two lists one at most may name something.

    :raises InvalidValue: both do.
    """
    projection = Projection(parse_names(attributes), parse_names(excluded))
    if projection.attributes and projection.excluded:
        raise InvalidValue("Send attributes or excludedAttributes, not both.")
    return projection


def _sorted_by(text: str) -> AttributePath:
    found = parse_path(text)
    if found.filter is not None:
        raise InvalidPath(f"sortBy: {text} has a filter; name an attribute alone.")
    return found.path


def parse_query(
    values: Mapping[str, Any],
    config: ScimConfig,
    resource_type: ResourceType | None = None,
    *,
    joined: bool = False,
) -> Query:
    """Return the search that a query string or a SearchRequest describes.

    :param resource_type: the type that ``sortBy`` must know; None at the root.
    :param joined: see :attr:`Query.joined`.
    :raises InvalidFilter: the filter does not follow the grammar.
    :raises InvalidPath: ``sortBy`` names no attribute.
    :raises InvalidValue: a number is none.
    """
    filter_text, sort_by = _text(values, "filter"), _text(values, "sortBy")
    path = _sorted_by(sort_by) if sort_by else None
    if path and resource_type and not _is_shown(resource_type.resolve(path)):
        raise InvalidPath(f"sortBy: {resource_type.name} shows no attribute {sort_by}.")
    count = integer(values, "count", config.default_page_size)
    return Query(
        filter=parse_filter(filter_text) if filter_text is not None else None,
        sort_by=path,
        descending=path is not None and _descending(_text(values, "sortOrder")),
        start_index=max(1, integer(values, "startIndex", 1)),
        count=min(max(0, count), config.max_page_size),
        joined=joined,
    )


def _is_shown(target: Target | None) -> bool:
    """Return whether an attribute is ever returned: an order would tell of one that is not."""
    return target is not None and "never" not in (target.attribute.returned, target.leaf.returned)


def integer(values: Mapping[str, Any], name: str, default: int) -> int:
    """Return a number, sent as such or as text; *default* where it is missing or empty.

    :raises InvalidValue: it is no integer.
    """
    value = values.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_LARGEST_NUMBER, min(value, _LARGEST_NUMBER))
    text = value.strip() if isinstance(value, str) else ""
    digits = text.lstrip("+-")
    if not (digits.isascii() and digits.isdigit()) or len(text) - len(digits) > 1:
        raise InvalidValue(f"{name} must be an integer.")
    number = int(digits) if len(digits) <= len(str(_LARGEST_NUMBER)) else _LARGEST_NUMBER
    number = min(number, _LARGEST_NUMBER)
    return -number if text.startswith("-") else number


def parse_preconditions(if_match: str | None, if_none_match: str | None) -> Preconditions:
    """Return the entity tags of the two headers; a tag without quotes is taken as it is.

    :raises InvalidSyntax: ``If-Match`` names none: passed over, it would let the request through.
    """
    if if_match and not _entity_tags(if_match):
        raise InvalidSyntax("If-Match names no entity tag.")
    return Preconditions(_entity_tags(if_match), _entity_tags(if_none_match))


def matches_version(tags: Iterable[str], version: str) -> bool:
    """Return whether one of the tags names the version, by weak comparison (RFC 9110 §8.8.3.2)."""
    bare = _bare(version)
    return any(tag == "*" or _bare(tag) == bare for tag in tags)


def _bare(tag: str) -> str:
    return tag.removeprefix("W/").strip('"')


def _entity_tags(header: str | None) -> tuple[str, ...]:
    return tuple(_ENTITY_TAG.findall(header)) if header else ()


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidValue(f"{name} must be a string.")
    return value or (None if name != "filter" else value)


def _descending(order: str | None) -> bool:
    order = (order or "ascending").lower()
    if order not in ("ascending", "descending"):
        raise InvalidValue("sortOrder is ascending or descending.")
    return order == "descending"
