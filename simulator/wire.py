"""DocuSign's way of writing: string scalars, dates, paging, errors, headers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from flask import Response, request
from werkzeug.http import http_date

from simulator.simulator import current
from simulator.state.errors import RuleError, invalid

NEVER = "0001-01-01T08:00:00.0000000Z"
"""How the eSignature API writes a date that is not set."""
MAX_ESIGN_PAGE = 100

Item = TypeVar("Item")


def answer(body: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(body), status, mimetype="application/json")


def with_trace_token(response: Response) -> Response:
    """Mark an answer with the token that DocuSign's support asks for."""
    response.headers.setdefault("X-DocuSign-TraceToken", str(uuid.uuid4()))
    return response


def dated(response: Response, now: datetime) -> Response:
    """Give an answer its ``Date``, in the simulated time."""
    response.headers["Date"] = http_date(now)
    return response


def esign_error(error: RuleError) -> Response:
    """Return a refusal as the eSignature API writes it."""
    return answer(error_details(error), error.status)


def admin_error(error: RuleError) -> Response:
    """Return a refusal as the Admin API writes it."""
    return answer(admin_error_details(error), error.status)


def error_details(error: RuleError) -> dict[str, str]:
    """Return ``errorDetails`` of an item."""
    return {"errorCode": error.code, "message": error.message}


def admin_error_details(error: RuleError) -> dict[str, str]:
    """Return ``error_details`` of an item."""
    return {"error": error.code.lower(), "error_description": error.message}


def flag(value: bool) -> str:
    """Return a boolean as the eSignature API writes it."""
    return "true" if value else "false"


def capital_flag(value: bool) -> str:
    """Return a boolean as ``isAdmin`` writes it."""
    return "True" if value else "False"


def moment(value: datetime | None) -> str:
    """Return a time as the eSignature API writes it."""
    return NEVER if value is None else f"{value:%Y-%m-%dT%H:%M:%S.%f}0Z"


def admin_moment(value: datetime | None) -> str | None:
    """Return a time as the Admin API writes it."""
    return None if value is None else f"{value:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def json_body() -> dict[str, Any]:
    """Return the object that the request carries.

    :raises RuleError: the body is no JSON object.
    """
    try:
        body = orjson.loads(request.get_data() or b"{}")
    except orjson.JSONDecodeError as error:
        raise RuleError(
            "INVALID_REQUEST_BODY", f"The request body could not be read: {error}."
        ) from error
    if not isinstance(body, dict):
        raise RuleError("INVALID_REQUEST_BODY", "The request body is not an object.")
    return body


def items(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects in a member of the body.

    :raises RuleError: it is missing or holds something else.
    """
    found = body.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise RuleError("INVALID_REQUEST_BODY", f"The request body lacks the list {name!r}.")
    return found


def optional_items(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects in a member of the body, none where it is absent or null.

    :raises RuleError: it holds something else.
    """
    return [] if body.get(name) is None else items(body, name)


def text(item: Mapping[str, Any], name: str) -> str:
    """Return a string member, empty where it is absent or null; numbers are written out."""
    value = item.get(name)
    if isinstance(value, (dict, list)):
        raise RuleError("INVALID_REQUEST_BODY", f"{name} must be a string.")
    return "" if value is None else str(value)


def is_true(value: Any) -> bool:
    """Return a boolean that a client may write as a string."""
    return str(value).lower() == "true"


def number_argument(name: str, default: int, lowest: int, highest: int | None = None) -> int:
    """Return a number from the query.

    :raises RuleError: it is no number, or outside what is allowed.
    """
    raw = request.args.get(name)
    if raw in (None, ""):
        return default
    try:
        value = int(str(raw))
    except ValueError:
        raise invalid(f"The value of {name} is not a number.") from None
    if value < lowest or (highest is not None and value > highest):
        raise invalid(f"The value of {name} is outside {lowest} to {highest or 'any number'}.")
    return value


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page starts and how much it may hold."""

    start: int
    count: int
    slip: int = 0
    """So many items further than it should each page begins, after the one before; fewer than
    none: earlier."""

    @property
    def first(self) -> int:
        """Return the position of its first item in the whole list."""
        return max(0, self.start + self.slip * (self.start // self.count))

    def of(self, whole: Sequence[Item]) -> Sequence[Item]:
        """Return the items on this page."""
        return whole[self.first : self.first + self.count]

    def is_last(self, returned: int, total: int) -> bool:
        """Return whether nothing follows a page of so many items."""
        return not returned or self.first + returned >= total


def slip() -> int:
    """Return by how much the pages of lists slip."""
    variants = current().state.variants
    return variants.list_drops - variants.list_repeats


def esign_page(default_count: int = MAX_ESIGN_PAGE) -> Page:
    """Return the page that the query asks for."""
    count = number_argument("count", default_count, 1, MAX_ESIGN_PAGE)
    return Page(number_argument("start_position", 0, 0), count, slip())


def esign_paging(page: Page, returned: int, total: int) -> dict[str, str]:
    """Return the paging members of an eSignature list."""
    end = page.start + returned
    paging = {
        "resultSetSize": str(returned),
        "totalSetSize": str(total),
        "startPosition": str(page.start),
        "endPosition": str(max(page.start, end - 1)),
        "nextUri": "",
        "previousUri": "",
    }
    if not page.is_last(returned, total):
        paging["nextUri"] = _relative(start_position=end, count=page.count)
    if page.start > 0:
        previous = max(0, page.start - page.count)
        paging["previousUri"] = _relative(start_position=previous, count=page.count)
    return paging


def _relative(**changes: int) -> str:
    """Return this list's address with another start, relative as DocuSign writes it."""
    path = request.path.removeprefix("/restapi/v2.1")
    return f"{path}?{urlencode({**request.args, **changes})}"


def each(
    wanted: Sequence[dict[str, Any]], act: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Act on every item; a refused one carries ``errorDetails``, the others go on."""
    done = []
    for item in wanted:
        try:
            done.append(act(item))
        except RuleError as error:
            known = {name: item[name] for name in ("userName", "email") if item.get(name)}
            if user_id := error.user_id or item.get("userId"):
                known["userId"] = user_id
            done.append({**known, "errorDetails": error_details(error)})
    return done
