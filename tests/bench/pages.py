"""The pages of the console, in one process: how long each takes, by the number of users."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

from argon2 import PasswordHasher
from rich.table import Table
from werkzeug.test import Client

from connector.app import create_app
from connector.bootstrap import Application, build
from connector.config import load_settings
from connector.domain.authentication.console import ConsoleRole
from connector.services.authentication.console_accounts import ConsoleAccounts
from connector.services.context import person

ROUNDS = 5
SLOW_S = 0.3
"""What a page may take on a quiet machine."""
_LOGIN, _PASSWORD = "bench", "four quiet green lamps"
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')

Medians = Mapping[str, float]
"""Seconds by page."""


def measure_pages(config: Path) -> Medians:
    """Return the median of each page's times over the database of a configuration.

    :raises AssertionError: a page was not shown.
    """
    application = build(load_settings(config), role="cli")
    try:
        return times_of(application)
    finally:
        application.close()


def times_of(application: Application, rounds: int = ROUNDS) -> Medians:
    """Return the median of each page's times in an application.

    :raises AssertionError: a page was not shown.
    """
    http = _signed_in(application)
    return {name: _median(http, path, rounds) for name, path in _paths(application)}


def table_of(medians: Mapping[int, Medians]) -> Table:
    """Return the times of every page, a column a size."""
    table = Table("Page of the console", *(f"{size:,} users" for size in medians))
    for name in next(iter(medians.values()), {}):
        times = (found[name] for found in medians.values())
        shown = (f"{seconds * 1000:,.0f} ms{' !' if seconds > SLOW_S else ''}" for seconds in times)
        table.add_row(name, *shown)
    return table


def _signed_in(application: Application) -> Client:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    accounts = ConsoleAccounts(application.store, application.clock, hasher)
    root = person("bench", source="cli", correlation_id="bench", roles=[ConsoleRole.ADMINISTRATOR])
    accounts.add(
        "default",
        _LOGIN,
        _PASSWORD,
        [ConsoleRole.ADMINISTRATOR],
        root,
        email="bench@staff.example",
    )
    http = Client(create_app(application), use_cookies=True)
    form = http.get("/console/sign-in").get_data(as_text=True)
    found = _CSRF.search(form)
    assert found is not None, form
    sent = {"csrf_token": found[1], "login": _LOGIN, "password": _PASSWORD}
    assert http.post("/console/sign-in", data=sent).status_code == 303
    return http


def _paths(application: Application) -> Iterator[tuple[str, str]]:
    with application.tenant("default").context.read() as uow:
        catalogue = uow.mirror.catalogue()
        account_id, _ = min(catalogue.profiles)
        holders = uow.mirror.count_profile_holders(account_id)
        profile = f"{account_id}.{max(holders, key=lambda one: holders[one])}"
        group = max(
            catalogue.groups.values(),
            key=lambda one: uow.mirror.group_size(one.account_id, one.group_id),
        ).scim_id
        user_id = uow.mirror.iter_user_ids(limit=1)[0]

    def users(**query: str) -> str:
        return f"/users?{urlencode(query)}"

    yield "inbox", "/"
    yield "users", "/users"
    yield "users, active", users(state="active")
    yield "users, inactive", users(state="inactive")
    yield "users by the beginning of a name", users(q="ma")
    yield "users by two words", users(q="ma l")
    yield "users, nobody fits", users(q="nobody-at-all")
    yield "users by the profile most have", users(profile=profile)
    yield "users by profile and name", users(profile=profile, q="ma")
    yield "users by the largest group", users(group=group)
    yield "a user", f"/users/{user_id}"
    yield "accounts", "/accounts"
    yield "an account", f"/accounts/{account_id}"
    for name in ("drift", "runs", "connection", "audit", "erasures", "absences", "settings"):
        yield name, f"/{name}"


def _median(http: Client, path: str, rounds: int) -> float:
    times = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        answer = http.get(f"/console{path}")
        times.append(time.perf_counter() - started)
        assert answer.status_code == 200, (path, answer.get_data(as_text=True)[:500])
    # The first one only compiles templates and statements.
    return statistics.median(times[1:])
