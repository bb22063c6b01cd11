"""DocuSign's rules in memory. No HTTP here: :mod:`simulator.routes` speaks it."""

from simulator.state.errors import RuleError
from simulator.state.organization import State

__all__ = ["RuleError", "State"]
