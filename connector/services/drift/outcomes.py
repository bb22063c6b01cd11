"""What becomes of a finding that somebody decided on, in a few words."""

from __future__ import annotations

from connector.domain.drift.findings import Finding, FindingState
from connector.domain.ledger.plans import Fulfilment, OperationState, PlanState
from connector.ports import UnitOfWork

_WORDS = {
    FindingState.ACCEPTED: "expected from now on",
    FindingState.REVERTED: "put right in DocuSign",
    FindingState.GONE: "no difference any more",
}
_FOR_PEOPLE = {
    Fulfilment.APPROVAL: "waits for an approval, which is in the inbox",
    Fulfilment.MANUAL: "waits for a person: the task is in the inbox",
}
_LEFT_TO_PEOPLE = (OperationState.WAITING, OperationState.REFERRED)


def outcome_of(uow: UnitOfWork, finding: Finding) -> str:
    """Return what becomes of a finding: by the plan that puts it right, if there is one."""
    if finding.state is not FindingState.REVERTING or finding.plan_id is None:
        return _WORDS.get(finding.state) or finding.problem or "stays as it is"
    plan, records = uow.plans.get(finding.plan_id)
    if plan.state is PlanState.QUEUED:
        return "waits until DocuSign can be asked, or an earlier change is through"
    if plan.state is PlanState.FAILED:
        errors = [item.error for item in records if item.error]
        return f"failed: {errors[-1]}" if errors else "failed"
    ways = {item.fulfilment for item in records if item.state in _LEFT_TO_PEOPLE}
    told = [words for way, words in _FOR_PEOPLE.items() if way in ways]
    if told:
        return "; ".join(told)
    if plan.state is PlanState.DONE:
        return "carried out; ends when the next comparison finds it put right"
    return "is being carried out"
