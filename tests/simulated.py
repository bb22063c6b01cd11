"""A simulated DocuSign in the process, for any test that needs one.

    world = simulated(n_users=50, list_groups=False)

``world.state``     the organization (:class:`simulator.state.State`): read and change it directly
``world.app``       the Flask application
``world.faults``    ``world.faults.add(Fault("drop", "POST", "/users$"))``
``world.limits``    ``world.limits.use_up(account_id)``, ``world.limits.hourly = 5``
``world.latency``   seconds by group of calls, ``world.latency.read_s = 0.1``
``world.base_url``  the address it seems to have; every session of ``world.session()`` serves it
``world.details``   what a client needs to connect, see :func:`simulator.config.connection_details`
``world.account``   the first account; ``world.accounts`` all three
``world.entitlement(account=0, profile=0)``  the SCIM id of a plain profile that few hold
``world.service_user``  the user whom the connector impersonates
``world.member(account=None, status=…, admin=False)``  some membership of that kind
``world.token(scopes=…)``  an access token without the JWT grant
``world.session(token=None)``  a ``requests.Session`` served in the process
``world.set_variants(**changes)``  make DocuSign behave in another way from now on
``world.dial.now = clock.now``  let its time, the hours of its limits included, be a clock's

Limits are far away unless a test sets them. Keyword arguments of :func:`simulated` other than
``n_users``, ``seed`` and ``now`` are variants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import requests
from flask import Flask

from simulator.app import create_app
from simulator.config import connection_details
from simulator.faults import FaultSchedule, Latency
from simulator.limits import Limits
from simulator.seed import seed as sow
from simulator.state import State
from simulator.state.keys import SCOPES
from simulator.state.model import Account, Membership, Status, User
from simulator.transport import SimulatorAdapter
from simulator.variants import Variants
from tests.clocks import ManualClock

BASE_URL = "https://docusign.example"


@dataclass
class Dial:
    """What time it is in a simulated DocuSign."""

    now: Callable[[], datetime]

    def __call__(self) -> datetime:
        return self.now()


@dataclass
class Simulated:
    """A simulator with everything that a test wants to reach."""

    state: State
    app: Flask
    faults: FaultSchedule
    limits: Limits
    latency: Latency
    dial: Dial
    base_url: str = BASE_URL

    @property
    def details(self) -> dict:
        return connection_details(self.state, self.base_url)

    @property
    def accounts(self) -> list[Account]:
        return list(self.state.accounts.values())

    @property
    def account(self) -> Account:
        return self.accounts[0]

    def entitlement(self, account: int = 0, profile: int = 0) -> str:
        """Return the SCIM id of the n-th profile that makes no administrator and is not the
        baseline."""
        chosen = self.accounts[account]
        plain = [
            item.profile_id
            for item in chosen.profiles.values()
            if not item.is_admin and item.profile_id != chosen.default_profile_id
        ]
        return f"{chosen.account_id}.{plain[profile]}"

    @property
    def service_user(self) -> User:
        return self.state.user(self.state.service_user_id)

    def member(
        self,
        account: Account | None = None,
        *,
        status: Status = Status.ACTIVE,
        admin: bool = False,
    ) -> Membership:
        """Return the first membership of that kind who is not an organization admin."""
        return next(
            item
            for item in (account or self.account).roster
            if item.status is status
            and item.is_admin == admin
            and not item.user.is_organization_admin
        )

    def token(self, scopes: frozenset[str] = SCOPES, user_id: str | None = None) -> str:
        """Return an access token of the service user."""
        application = next(iter(self.state.applications.by_key.values()))
        user_id = user_id or self.state.service_user_id
        return self.state.applications.issue(application, user_id, scopes).value

    def session(self, token: str | None = None) -> requests.Session:
        """Return a session whose requests to ``base_url`` are served in the process."""
        session = requests.Session()
        session.mount(self.base_url, SimulatorAdapter(self.app))
        if token is not None:
            session.headers["Authorization"] = f"Bearer {token}"
        return session

    def set_variants(self, **changes: object) -> None:
        """Change how DocuSign behaves."""
        self.state.variants = self.state.variants.changed(changes)


def simulated(
    n_users: int = 50,
    *,
    seed: int = 1,
    now: Callable[[], datetime] | None = None,
    **variants: object,
) -> Simulated:
    """Return a simulator with a seeded organization, whose time is *now*, by default that of a
    clock of its own."""
    dial = Dial(now or ManualClock().now)
    state = sow(n_users, seed=seed, variants=Variants().changed(variants), now=dial)
    faults, latency = FaultSchedule(), Latency()
    limits = Limits(hourly=100_000, burst=100_000, clock=lambda: dial().timestamp())
    app = create_app(state, faults=faults, limits=limits, latency=latency)
    return Simulated(state, app, faults, limits, latency, dial)
