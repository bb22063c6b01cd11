"""One running simulator: the state, its limits, its faults and its latency."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app

from simulator.faults import FaultSchedule, Latency
from simulator.limits import Limits
from simulator.state import State

EXTENSION = "simulator"


@dataclass
class StaleView:
    """A user as it was before a change, for so many reads."""

    view: dict[str, Any]
    reads_left: int
    until: datetime
    """It ends by itself: a lag is no matter of hours."""


@dataclass
class Simulator:
    """What the routes work on."""

    state: State
    faults: FaultSchedule = field(default_factory=FaultSchedule)
    limits: Limits = field(default_factory=Limits)
    latency: Latency = field(default_factory=Latency)
    stale_views: dict[str, StaleView] = field(default_factory=dict)
    """By membership id."""

    def revoke_consent(self) -> None:
        """Withdraw all consent and every token, as an administrator may do at any time."""
        with self.state.lock:
            for application in self.state.applications.by_key.values():
                application.consents.clear()
                application.admin_consent.clear()
            self.state.applications.revoke_tokens()


def current() -> Simulator:
    """Return the simulator that serves this request."""
    simulator: Simulator = current_app.extensions[EXTENSION]
    return simulator
