"""Everything about drift in one tenant, wired."""

from __future__ import annotations

from dataclasses import dataclass

from connector.services.context import TenantContext
from connector.services.drift.adoption import AdoptionService
from connector.services.drift.decisions import DriftDecisions
from connector.services.drift.desk import DriftDesk
from connector.services.drift.findings import Findings
from connector.services.drift.policy_reverts import PolicyReverts
from connector.services.drift.reconciliation import ReconciliationService
from connector.services.drift.reversals import Reversals
from connector.services.drift.reverts import Reverts
from connector.services.locks import WriteLocks
from connector.services.mirror.writer import MirrorWriter
from connector.services.provisioning.groups import GroupProvisioning
from connector.services.provisioning.users import UserProvisioning
from connector.services.refresh import RefreshService
from connector.services.work.manual_tasks import ManualTasks


@dataclass(frozen=True)
class DriftServices:
    """What a tenant can do about drift."""

    reconciliation: ReconciliationService
    desk: DriftDesk
    decisions: DriftDecisions
    adoption: AdoptionService


def wire_drift(
    context: TenantContext,
    mirror: MirrorWriter,
    users: UserProvisioning,
    groups: GroupProvisioning,
    tasks: ManualTasks,
    *,
    locks: WriteLocks,
    refresh: RefreshService,
) -> DriftServices:
    """Return the services over those that carry changes out."""
    reversals = Reversals(context, users, groups, tasks, refresh)
    findings = Findings(context, reversals)
    reverts = Reverts(context, reversals)
    reconciliation = ReconciliationService(context, findings, PolicyReverts(context, reverts))
    desk = DriftDesk(context, findings, reverts, locks)
    return DriftServices(
        reconciliation,
        desk,
        DriftDecisions(context, desk),
        AdoptionService(context, findings, mirror),
    )
