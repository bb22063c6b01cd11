"""Who may attest as a second person that a manual task was done."""

from __future__ import annotations

from connector.domain.policy.entitlement_rules import VERIFIED_BY_API
from connector.domain.work_items.approvals import NO_ADDRESS, give_address
from connector.domain.work_items.history import Act
from connector.domain.work_items.items import WorkItem, WorkItemState
from connector.services.context import Principal
from connector.services.work.matters import Matters
from connector.services.work.reasons import REQUESTER_EMAIL


def is_to_attest(item: WorkItem) -> bool:
    """Whether a task waits for a second person, because no API shows that it was done."""
    is_completed = item.state is WorkItemState.AWAITING_VERIFICATION
    return is_completed and item.verification not in VERIFIED_BY_API


def attest_refusal(matters: Matters, item: WorkItem, person: Principal) -> str | None:
    """Return why a person cannot attest a completed task; None where they can: a second,
    disinterested one with an address, by which to tell."""
    if not person.email:
        return f"{NO_ADDRESS.format(login=person.login)} {give_address(matters.tenant)}"
    done = [event for event in matters.events(item) if event.act is Act.COMPLETED]
    asked = matters.request(item).context.get(REQUESTER_EMAIL, "")
    parties = [
        *((event.actor, str(event.data.get("email", ""))) for event in done),
        (item.completed_by or "", ""),
        (item.requester, str(asked)),
    ]
    is_party = matters.is_one_of(person, parties)
    if is_party or matters.subject_names(item) & person.names:
        return (
            "A second person has to attest this task: not the one who completed it, asked for it "
            "or gains by it."
        )
    return None
