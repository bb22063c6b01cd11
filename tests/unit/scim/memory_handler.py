"""Resource handlers that keep everything in a dict: the protocol with nothing behind it."""

import hashlib
import time
from datetime import UTC, datetime

import flask
import orjson

from scim.blueprint import create_blueprint
from scim.datetimes import format_datetime
from scim.errors import InvalidValue, NotFound, PreconditionFailed, Unauthorized, Uniqueness
from scim.evaluate import matches
from scim.front import Front
from scim.handlers import Caller, Page, PlanPreview, Rendered, Written
from scim.parameters import matches_version
from scim.patch import apply_patch
from scim.resources import ResourceType
from scim.schemas import ENTERPRISE_USER, GROUP, USER
from scim.service import ScimConfig, ScimService

BASE_URL = "https://scim.acme.test/scim/v2"
TOKEN = {"Authorization": "Bearer secret"}
USERS = ResourceType("User", "/Users", USER, (ENTERPRISE_USER,), "People")
GROUPS = ResourceType("Group", "/Groups", GROUP, (), "Groups of people")


class MemoryHandler:
    """Keeps resources of one type; ``unique`` names the attribute that no two may share."""

    def __init__(self, resource_type, prefix, unique=None):
        self.type = resource_type
        self.prefix = prefix
        self.unique = unique
        self.stored = {}
        self.counter = 0

    def get(self, context, scim_id):
        return self._render(self._find(scim_id), context)

    def search(self, context, query):
        found = [
            resource
            for resource in self.stored.values()
            if query.filter is None
            or matches(query.filter, resource, self.type.schema, self.type.extensions)
        ]
        if query.sort_by:
            name = query.sort_by.attribute
            found.sort(key=lambda one: str(one.get(name, "")).lower(), reverse=query.descending)
        if query.after is not None:
            return self._page_behind(query, found, context)
        first = query.start_index - 1
        page = found[first : first + query.count]
        return Page(len(found), [self._render(resource, context) for resource in page])

    def _page_behind(self, query, found, context):
        place = len(self.prefix)
        after = int(query.after or 0)
        rest = [one for one in found if int(one["id"][place:]) > after]
        if query.sort_by:
            ids = [int(one["id"][place:]) for one in found]
            rest = found[ids.index(after) + 1 :] if after else found
        page = rest[: query.count]
        follows = page and len(rest) > len(page)
        total = 0 if after else len(found)
        rendered = [self._render(resource, context) for resource in page]
        return Page(total, rendered, next_after=page[-1]["id"][place:] if follows else None)

    def create(self, context, resource):
        self._check_unique(resource, None)
        if context.dry_run:
            return PlanPreview({"operations": ["create"]})
        self.counter += 1
        scim_id = f"{self.prefix}{self.counter}"
        now = format_datetime(datetime.now(UTC))
        stored = _assigned(resource) | {"id": scim_id, "meta": {"created": now}}
        return self._store(stored, now, context)

    def replace(self, context, scim_id, resource):
        current = self._current(context, scim_id)
        self._check_unique(resource, scim_id)
        kept = {"id": scim_id, "meta": current["meta"]}
        return self._store(_assigned(resource) | kept, None, context)

    def patch(self, context, scim_id, operations):
        current = self._current(context, scim_id)
        patched = apply_patch(current, operations, self.type.schema, self.type.extensions)
        self._check_unique(patched, scim_id)
        return self._store(patched, None, context)

    def delete(self, context, scim_id):
        self._current(context, scim_id)
        del self.stored[scim_id]

    def _find(self, scim_id):
        if scim_id not in self.stored:
            raise NotFound(f"There is no {self.type.name} {scim_id}.")
        return self.stored[scim_id]

    def _current(self, context, scim_id):
        current = self._find(scim_id)
        wanted = context.preconditions.if_match
        if wanted and not matches_version(wanted, current["meta"]["version"]):
            raise PreconditionFailed
        return current

    def _check_unique(self, resource, scim_id):
        name = self.unique
        for other in self.stored.values():
            same = name and other[name].lower() == resource[name].lower()
            if same and other["id"] != scim_id:
                raise Uniqueness(f"{name} {resource[name]} is taken.")

    def _store(self, resource, now, context):
        for member in resource.get("members", ()):
            if not member.get("value"):
                raise InvalidValue("A member needs a value.")
        meta = {k: v for k, v in resource.get("meta", {}).items() if k == "created"}
        content = orjson.dumps({**resource, "meta": None}, option=orjson.OPT_SORT_KEYS)
        meta["version"] = f'W/"{hashlib.sha256(content).hexdigest()[:16]}"'
        meta["lastModified"] = now or meta["created"]
        meta["resourceType"] = self.type.name
        self.stored[resource["id"]] = {**resource, "meta": meta}
        return Written(self._render(self.stored[resource["id"]], context), meta["version"])

    def _render(self, resource, context):
        location = f"{context.base_url}{self.type.endpoint}/{resource['id']}"
        shown = {k: v for k, v in resource.items() if k != "password"}
        shown["meta"] = {**resource["meta"], "location": location}
        return Rendered(resource["id"], orjson.dumps(shown), resource["meta"]["version"])


class TokenAuthenticator:
    """Knows one token that may write and one that may read."""

    settings = {"check_body_version": True}  # noqa: RUF012
    scopes = {  # noqa: RUF012
        "Bearer secret": frozenset({"read", "write"}),
        "Bearer reader": frozenset({"read"}),
        "Bearer other": frozenset({"read"}),
    }

    def authenticate(self, tenant, headers, remote_address=""):
        scopes = self.scopes.get(headers.get("Authorization"))
        if scopes is None or tenant not in ("default", "acme"):
            raise Unauthorized("Unauthorized: the token is unknown or expired.")
        name = headers["Authorization"].removeprefix("Bearer ")
        return Caller(tenant, name, scopes, settings=self.settings)

    def challenges(self, *, refused):
        return ['Bearer realm="scim"' + (', error="invalid_token"' if refused else "")]


def request_status(context, transaction):
    """Know one request."""
    if transaction != "t1":
        raise NotFound
    return {"id": transaction, "status": "pending"}


def create_app(config=None, base_url=BASE_URL, now=time.time, requests_per_minute=0, **more):
    """Return an application with users and groups, mounted for one tenant and for many."""
    return mounted(create_front(config, base_url, now, requests_per_minute, **more))


def create_front(config=None, base_url=BASE_URL, now=time.time, requests_per_minute=0, **more):
    """Return the front of a service with users and groups."""
    service = ScimService(
        resources=(
            (USERS, MemoryHandler(USERS, "U", "userName")),
            (GROUPS, MemoryHandler(GROUPS, "G")),
        ),
        authenticator=TokenAuthenticator(),
        base_url=lambda tenant: base_url,
        config=config or ScimConfig(),
        now=now,
        requests_per_minute=lambda tenant: requests_per_minute,
        request_status=request_status,
        **more,
    )
    return Front(service)


def mounted(front):
    """Return an application that serves a front."""
    app = flask.Flask("scim-in-memory")
    blueprint = create_blueprint(front)
    app.register_blueprint(blueprint, url_prefix="/scim/v2", url_defaults={"tenant": "default"})
    app.register_blueprint(blueprint, url_prefix="/<tenant>/scim/v2", name="scim_tenants")
    return app


def _assigned(resource):
    """Leave out what is not assigned, on two levels."""
    kept = {}
    for name, value in resource.items():
        if isinstance(value, dict):
            value = {k: v for k, v in value.items() if v is not None}  # noqa: PLW2901
        if value not in (None, [], {}):
            kept[name] = value
    return kept
