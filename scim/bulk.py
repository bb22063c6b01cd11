"""Bulk requests (RFC 7644 §3.7): many writes in one request, carried out one by one.

Operations run in the order of the request, except that one which refers to a resource of another
waits until that one is created. Where operations refer to each other in a circle, the first is
created without the reference and patched when the id is known.

A bulk request takes no longer than a single one may: operations for which there is no time left
are not begun, and answered 503 each.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from scim import writes
from scim.bulk_references import references_in, resolved, split
from scim.bulk_requests import BULK_ID, METHODS, BulkOperation, BulkRequest, path_segments
from scim.errors import (
    Conflict,
    InternalError,
    InvalidValue,
    NotAllowed,
    NotFound,
    ScimError,
    Unavailable,
)
from scim.handlers import (
    Deferred,
    Outcome,
    PatchOperation,
    PlanPreview,
    Preconditions,
    Projection,
    RequestContext,
    ResourceHandler,
    Written,
)
from scim.parameters import parse_preconditions
from scim.resources import ResourceType
from scim.service import ScimConfig
from scim.text import is_id

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

_log = logging.getLogger("scim")
_ITEM = 2
"""Segments of the path of one resource."""
_RETRY_AFTER_S = 1.0
_NO_TIME = (
    "The time that a request may take was used up by the operations before this one, so nothing of "
    "it was begun; it is temporarily unavailable (503). Send it again, with fewer in one request."
)
_NO_TARGET = (
    "The time that a request may take was used up before what they refer to was created; it is "
    "temporarily unavailable (503). Create that, and set the references with PATCH."
)

Registered = tuple[ResourceType, ResourceHandler]


@dataclass
class Entry:
    """What became of an operation."""

    operation: BulkOperation
    status: int
    location: str = ""
    version: str = ""
    response: Mapping[str, Any] | None = None
    retry_after_s: float = 0.0
    """Seconds after which to send it again; 0 where that would not help."""

    def to_json(self) -> dict[str, Any]:
        """Return the element of the response's ``Operations``."""
        shown = {
            "method": self.operation.method,
            "bulkId": self.operation.bulk_id,
            "version": self.version,
            "location": self.location,
            "response": self.response,
        }
        return {k: v for k, v in shown.items() if v} | {"status": str(self.status)}


@dataclass
class _Postponed:
    """References of a created resource whose targets did not exist yet."""

    entry: Entry
    target: Registered
    scim_id: str
    values: Mapping[str, Any]
    context: RequestContext
    references: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.references = references_in(self.values)


class Bulk:
    """Carries one bulk request out."""

    def __init__(
        self,
        targets: Mapping[str, Registered],
        config: ScimConfig,
        context: RequestContext,
        has_time: Callable[[], bool] = lambda: True,
    ) -> None:
        """:param has_time: says whether there is time to begin one more operation."""
        self._targets = targets
        self._config = config
        self._context = context
        self._has_time = has_time
        self._ids: dict[str, str] = {}
        self._promised: frozenset[str] = frozenset()
        self._not_begun: set[str | None] = set()
        self._postponed: list[_Postponed] = []
        self._entries: dict[int, Entry] = {}

    def run(self, request: BulkRequest) -> list[dict[str, Any]]:
        """Return an entry for each operation that was tried, in the order of the request."""
        waiting = dict(enumerate(request.operations))
        self._promised = _created_by(waiting)
        while waiting and not self._is_over(request):
            number, is_circular = self._choose(waiting)
            self._entries[number] = self._try(number, waiting.pop(number), is_circular)
            self._catch_up(_created_by(waiting))
        self._catch_up(frozenset())
        return [self._entries[number].to_json() for number in sorted(self._entries)]

    @property
    def retry_after(self) -> Sequence[tuple[str, str]]:
        """The header that says when to send what was temporarily unavailable again; none where
        nothing was."""
        waits = [entry.retry_after_s for entry in self._entries.values() if entry.retry_after_s]
        return [("Retry-After", str(math.ceil(max(waits))))] if waits else []

    def _is_over(self, request: BulkRequest) -> bool:
        failed = sum(entry.status >= 400 for entry in self._entries.values())  # noqa: PLR2004
        return 0 < request.fail_on_errors <= failed

    def _choose(self, waiting: Mapping[int, BulkOperation]) -> tuple[int, bool]:
        """Return the next operation, and whether it is one of a circle."""
        expected = _created_by(waiting)
        for number, operation in waiting.items():
            if operation.references.isdisjoint(expected):
                return number, False
        return next(n for n, one in waiting.items() if one.bulk_id in expected), True

    # one operation ------------------------------------------------------------

    def _try(self, number: int, operation: BulkOperation, is_circular: bool) -> Entry:
        entry = Entry(operation, 200)
        context = self._context._replace(
            correlation_id=f"{self._context.correlation_id}:{number}",
            projection=Projection(),
            preconditions=Preconditions(),
            respond_async=False,
        )
        problem = _problem_of(lambda: self._carry_out(entry, context, is_circular), context)
        if problem is not None:
            _fail(entry, problem)
        return entry

    def _carry_out(self, entry: Entry, context: RequestContext, is_circular: bool) -> None:
        operation = entry.operation
        if operation.problem is not None:
            raise operation.problem
        if not self._has_time():
            self._not_begun.add(operation.bulk_id)
            raise Unavailable(_NO_TIME, retry_after_s=_RETRY_AFTER_S)
        wanted = parse_preconditions(operation.version, None)
        context = context._replace(preconditions=wanted)
        target, scim_id = self._target(operation, context.base_url)
        context.caller.require_write(target[0].name)
        if scim_id is not None:
            entry.location = f"{context.base_url}{target[0].endpoint}/{scim_id}"
        data = operation.data
        postponed: dict[str, Any] = {}
        if is_circular and isinstance(data, dict):
            data, postponed = split(resolved(data, self._ids))
        elif unknown := operation.references - self._ids.keys():
            raise self._unresolved(unknown)
        try:
            written = self._write(operation, target, context, scim_id, resolved(data, self._ids))
        except ScimError as error:
            if not postponed or error.status != 400:  # noqa: PLR2004
                raise
            raise Conflict(f"The circular reference cannot be resolved: {error.detail}") from error
        created = self._note(entry, target, context, written)
        if postponed and created:
            self._postponed.append(_Postponed(entry, target, created, postponed, context))

    def _write(
        self,
        operation: BulkOperation,
        target: Registered,
        context: RequestContext,
        scim_id: str | None,
        data: Any,
    ) -> Outcome | None:
        return writes.carry_out(
            target,
            context,
            operation.method,
            scim_id,
            data,
            max_operations=self._config.max_operations,
        )

    def _note(
        self,
        entry: Entry,
        target: Registered,
        context: RequestContext,
        written: Outcome | None,
    ) -> str | None:
        """Fill in the entry, and return the id of what was written."""
        if isinstance(written, PlanPreview):
            entry.response = written.document
            return None
        if isinstance(written, Deferred):
            entry.status = 202
            entry.location = f"{context.base_url}/Requests/{written.transaction}"
            return None
        if not isinstance(written, Written):
            entry.status = 204
            return None
        rendered, is_new = written.rendered, entry.operation.method == "POST"
        scim_id = rendered.scim_id if rendered else written.location.rpartition("/")[2]
        entry.status = 201 if is_new else 200
        entry.version = rendered.version if rendered else written.version
        entry.location = f"{context.base_url}{target[0].endpoint}/{scim_id}"
        if is_new and entry.operation.bulk_id:
            self._ids[entry.operation.bulk_id] = scim_id
        return scim_id

    def _target(self, operation: BulkOperation, base_url: str) -> tuple[Registered, str | None]:
        path = operation.path.removeprefix(base_url)
        if "://" in path:
            raise InvalidValue("path must be relative to the base address, such as /Users.")
        segments = path_segments(path)
        target = self._targets.get(segments[0]) if segments else None
        if target is None or len(segments) > _ITEM:
            raise NotFound(f"There is no endpoint {path}.")
        if (operation.method == "POST") != (len(segments) == 1):
            raise NotAllowed(allow=("POST",) if len(segments) == 1 else METHODS[1:])
        scim_id = segments[1] if len(segments) == _ITEM else None
        if scim_id is not None and not is_id(scim_id):
            raise NotFound
        if scim_id is not None and scim_id.startswith(BULK_ID):
            name = scim_id.removeprefix(BULK_ID)
            if name not in self._ids:
                raise self._unresolved([name])
            scim_id = self._ids[name]
        return target, scim_id

    def _unresolved(self, names: Iterable[str]) -> Conflict:
        missing = frozenset(names)
        # What no operation promises fails outside a dry run, too, so that is said first.
        unpromised = missing - self._promised
        if self._context.dry_run and not unpromised:
            return Conflict(
                f"A dry run creates nothing, so what refers to bulkId {_listed(missing)} cannot be "
                "planned with it: plan it with the id, once there is one."
            )
        listed = _listed(unpromised if self._context.dry_run else missing)
        return Conflict(
            f"The reference to bulkId {listed} cannot be resolved: no operation created it."
        )

    # circles ------------------------------------------------------------------

    def _catch_up(self, expected: frozenset[str]) -> None:
        """Patch the references whose targets exist now; give up those that will never exist."""
        for postponed in list(self._postponed):
            unknown = postponed.references - self._ids.keys()
            if unknown & expected:
                continue
            self._postponed.remove(postponed)
            problem = _problem_of(partial(self._patch_in, postponed), postponed.context)
            if problem is not None:
                _fail(postponed.entry, _without_references(problem))

    def _patch_in(self, postponed: _Postponed) -> None:
        if unknown := postponed.references - self._ids.keys():
            if unknown <= self._not_begun:
                raise Unavailable(_NO_TARGET, retry_after_s=_RETRY_AFTER_S)
            raise self._unresolved(unknown)
        add = PatchOperation("add", None, resolved(postponed.values, self._ids))
        context = postponed.context._replace(preconditions=Preconditions())
        written = postponed.target[1].patch(context, postponed.scim_id, [add])
        if isinstance(written, Written):
            rendered = written.rendered
            postponed.entry.version = rendered.version if rendered else written.version


def _created_by(waiting: Mapping[int, BulkOperation]) -> frozenset[str]:
    """Return the bulkIds that operations still to come will give an id."""
    return frozenset(
        one.bulk_id
        for one in waiting.values()
        if one.bulk_id and one.method == "POST" and one.problem is None
    )


def _problem_of(act: Callable[[], None], context: RequestContext) -> ScimError | None:
    """Do something, and return what stood against it; None: nothing."""
    try:
        act()
    except ScimError as error:
        return error
    except Exception:  # noqa: BLE001  one broken operation must not hide what became of others
        _log.exception("unexpected error (correlation id %s)", context.correlation_id)
        return InternalError(f"Internal error. The log tells more under {context.correlation_id}.")
    return None


def _without_references(problem: ScimError) -> ScimError:
    """Return what to answer for a resource whose references were not set afterwards."""
    detail = f"The resource was created without its references: {problem.detail}"
    if isinstance(problem, Unavailable):
        return Unavailable(detail, retry_after_s=problem.retry_after_s)
    return InternalError(detail) if isinstance(problem, InternalError) else Conflict(detail)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _fail(entry: Entry, error: ScimError) -> None:
    entry.status = error.status
    entry.response = error.to_json()
    entry.version = ""
    entry.retry_after_s = getattr(error, "retry_after_s", 0.0)
