"""Everything about drift in one tenant, wired."""

from __future__ import annotations

from connector.services.context import TenantContext
from connector.services.drift.adoption import AdoptionService
from connector.services.drift.decisions import DriftDecisions
from connector.services.drift.desk import DriftDesk
from connector.services.drift.findings import Findings
from connector.services.drift.policy_reverts import PolicyReverts
from connector.services.drift.reconciliation import ReconciliationService
from connector.services.drift.reversals import Reversals
from connector.services.drift.reverts import Reverts
from connector.services.drift.services import DriftServices
from connector.services.locks import WriteLocks
from connector.services.mirror.writer import MirrorWriter
from connector.services.provisioning.groups import GroupProvisioning
from connector.services.provisioning.users import UserProvisioning
from connector.services.targeted_aggregation.refresh import RefreshService
from connector.services.work.manual_tasks import ManualTasks


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
