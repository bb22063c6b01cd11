"""Everything about drift that a tenant offers."""

from __future__ import annotations

from dataclasses import dataclass

from connector.services.drift.adoption import AdoptionService
from connector.services.drift.decisions import DriftDecisions
from connector.services.drift.desk import DriftDesk
from connector.services.drift.reconciliation import ReconciliationService


@dataclass(frozen=True)
class DriftServices:
    """What a tenant can do about drift."""

    reconciliation: ReconciliationService
    desk: DriftDesk
    decisions: DriftDecisions
    adoption: AdoptionService
