"""One running simulator: the state, its limits, its faults and its latency."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import current_app

from simulator.faults import FaultSchedule, Latency
from simulator.limits import Limits
from simulator.state import State

EXTENSION = "simulator"


@dataclass
class Simulator:
    """What the routes work on."""

    state: State
    faults: FaultSchedule = field(default_factory=FaultSchedule)
    limits: Limits = field(default_factory=Limits)
    latency: Latency = field(default_factory=Latency)

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
