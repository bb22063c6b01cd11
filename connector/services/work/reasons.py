"""Why something is asked for, in the requester's words.

The reason belongs to the plan that a request became, and to the plans that people decide on
because of it. It is shown to whoever decides or carries out, and is nothing that the user has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.domain.ledger.plans import REQUEST_REASON, Fulfilment, PlanRecord
from connector.domain.model import Catalogue
from connector.domain.plan import Plan
from connector.domain.policy.entitlement_rules import Policy, given
from connector.domain.writing import LEAST_WORDS, says_something, tidy
from connector.errors import InvalidRequestError
from connector.services.mirror.presentation import DOCUSIGN

REQUESTER_EMAIL = "requester_email"
"""In a plan's context: address of the person who asked, where one is known."""


def as_context(reason: str) -> dict[str, Any]:
    """Return what a plan keeps of a reason; nothing of one that says nothing
    (:func:`~connector.domain.writing.says_something`), such as a full stop."""
    said = tidy(reason)
    return {REQUEST_REASON: said} if says_something(said) else {}


def as_asked(plan: PlanRecord) -> dict[str, Any]:
    """Return what a plan that comes of another one keeps of who asked for that: why, and their
    address, by which rules know them again."""
    email = plan.context.get(REQUESTER_EMAIL)
    return {**as_context(reason_of(plan)), **({REQUESTER_EMAIL: email} if email else {})}


def reason_of(plan: PlanRecord) -> str:
    """Return why a plan was asked for; empty where nobody said."""
    return reason_in(plan.context)


def reason_in(context: Mapping[str, Any]) -> str:
    """Return the same from what is kept with a plan."""
    return str(context.get(REQUEST_REASON, ""))


def require_reason(
    policy: Policy,
    catalogue: Catalogue,
    plan: Plan,
    fulfilments: Sequence[Fulfilment],
    context: Mapping[str, Any],
) -> None:
    """Let a plan pass whose requester said why, or of whom the policy does not want it.

    :param context: what is kept with the plan.
    :raises InvalidRequestError: the policy wants a reason for what has to be approved.
    """
    if reason_in(context):
        return
    for step, fulfilment in zip(plan, fulfilments, strict=True):
        if fulfilment is not Fulfilment.APPROVAL:
            continue
        for entitlement in given(step):
            if policy.fulfilment_of(entitlement, catalogue) is not Fulfilment.APPROVAL:
                continue
            ruling = policy.rule_on(entitlement, catalogue)
            if ruling.meaning.requester_says_why:
                raise InvalidRequestError(
                    f"{ruling.target.title} is not given without a reason. Say why in the "
                    f"attribute 'reason' of {DOCUSIGN}User, or of {DOCUSIGN}Group in a change of "
                    f"members, with {LEAST_WORDS}."
                )
