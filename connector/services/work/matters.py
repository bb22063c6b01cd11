"""What a decision on an approval depends on, read from the ledger and the policy of the moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from connector.domain.authentication.console import ConsoleAccount
from connector.domain.ledger.plans import Fulfilment, PlanRecord
from connector.domain.model import Catalogue, User, fold
from connector.domain.work_items.approvals import Matter, Vote, votes
from connector.domain.work_items.deciders import Escalation, is_stuck, too_few
from connector.domain.work_items.delegations import Delegation
from connector.domain.work_items.history import WorkItemEvent
from connector.domain.work_items.items import ApprovalTerms, WorkItem, WorkItemKind, WorkItemState
from connector.errors import InvalidRequestError
from connector.ports import UnitOfWork
from connector.services.context import Principal, TenantContext
from connector.services.people import (
    manager_of,
    names_of,
    names_of_user,
    names_of_users,
    standing_accounts,
    subject_of,
)
from mappings.model import Approvers


class Matters:
    """Reads matters within one transaction; what several share is read once."""

    def __init__(self, uow: UnitOfWork, context: TenantContext) -> None:
        self._uow = uow
        self._context = context
        self._subjects: Mapping[str, User] = {}
        self._names: Mapping[str, frozenset[str]] = {}

    @cached_property
    def _catalogue(self) -> Catalogue:
        return self._uow.mirror.catalogue()

    @cached_property
    def _delegations(self) -> Sequence[Delegation]:
        return self._uow.work_items.delegations()

    @cached_property
    def _all_accounts(self) -> Mapping[str, ConsoleAccount]:
        return {fold(account.login): account for account in self._uow.console.accounts()}

    @cached_property
    def _accounts(self) -> Mapping[str, ConsoleAccount]:
        """Whoever can act by one; names of who cannot any more count all the same."""
        accounts = list(self._all_accounts.values())
        found = standing_accounts(self._uow, self._context, accounts)
        return {fold(account.login): account for account in found}

    def is_one_of(self, person: Principal, actors: Iterable[tuple[str, str]]) -> bool:
        """Whether somebody is one of those whom the ledger calls so.

        :param actors: each as the ledger names them, with the address that was kept beside what
            they did; see :func:`connector.services.people.names_of`.
        """
        find = self._all_accounts.get
        return any(names_of(actor, email, find) & person.names for actor, email in actors)

    @property
    def tenant(self) -> str:
        """Whose items they are."""
        return self._context.tenant

    def subject(self, item: WorkItem) -> User:
        """Return whom an item is about; see :func:`connector.services.people.subject_of`."""
        return self._subjects.get(item.subject_id) or subject_of(self._uow, item)

    def subject_names(self, item: WorkItem) -> frozenset[str]:
        """Return everything that whom an item is about is called; see
        :func:`connector.services.people.names_of_users`."""
        found = self._names.get(item.subject_id)
        return names_of_user(self._uow, self.subject(item)) if found is None else found

    def request(self, item: WorkItem) -> PlanRecord:
        """Return what was asked for, of which an item is a part."""
        return self._uow.plans.get(item.plan_id)[0]

    def prefetch(self, items: Sequence[WorkItem]) -> None:
        """Read together whom these items are about."""
        self._subjects = self._uow.mirror.get_users({item.subject_id for item in items})
        self._names = names_of_users(self._uow, self._subjects.values())

    def events(self, item: WorkItem) -> Sequence[WorkItemEvent]:
        """Return what happened to an item, oldest first."""
        return self._uow.work_items.events(item.work_item_id)

    def of(self, item: WorkItem, *, escalated: bool = False) -> Matter:
        """Return what a decision on an item depends on.

        :param escalated: as if it were escalated already.
        """
        terms = self.terms(item)
        approvers, escalated_to = terms.approvers, Approvers()
        if item.kind is WorkItemKind.MANUAL_TASK:
            approvers = terms.escalate_to  # Nobody approves a task.
        elif escalated or item.escalated_at is not None:
            escalated_to = terms.escalate_to
        groups, ways_in = self._context.settings.console_groups, self._context.ways_in
        asks_manager = approvers.manager or escalated_to.manager
        return Matter(
            tenant=self.tenant,
            approvers=approvers,
            escalated_to=escalated_to,
            # Asked only where it matters: it is a look-up of its own.
            manager=manager_of(self._uow, item.subject_id) if asks_manager else "",
            parties=self.subject_names(item) | self._requester(item),
            delegations=self._delegations,
            now=self._context.clock.now(),
            accounts=self._accounts,
            has_provider=ways_in.provider,
            provider_gives_role=ways_in.provider and bool(groups.approver or groups.administrator),
        )

    def too_few(self, item: WorkItem, *, is_final: bool = False) -> str:
        """Return, in words, that fewer can agree to an open approval than have to; see
        :func:`connector.domain.work_items.deciders.too_few`.

        :param is_final: only where those to whom it escalates change nothing about it.
        """
        if item.kind is not WorkItemKind.APPROVAL or item.state is not WorkItemState.OPEN:
            return ""
        matter, needed = self.of(item), self.terms(item).needed
        if not is_stuck(matter, needed):  # Most need no look at who agreed.
            return ""
        agreed, escalation = self._agreed(item, matter), self._escalation(item)
        if is_final and not is_stuck(matter, needed, agreed, escalation):
            return ""
        return too_few(matter, needed, agreed, escalation)

    def _agreed(self, item: WorkItem, matter: Matter) -> Sequence[Vote]:
        return votes(self.events(item), item.checksum, matter)

    def _escalation(self, item: WorkItem) -> Escalation | None:
        """Return what becomes of an open approval; None where it only expires."""
        goes_on = item.terms is not None and item.terms.on_expiry == "escalate"
        if not goes_on or item.escalated_at is not None or item.expires_at is None:
            return None
        matter = self.of(item, escalated=True)
        return Escalation(item.expires_at, matter, self._agreed(item, matter))

    def _requester(self, item: WorkItem) -> frozenset[str]:
        """Return everything that who asked is called."""
        email = item.terms.requester_email if item.terms else ""
        return names_of(item.requester, email, self._all_accounts.get)

    def terms(self, item: WorkItem) -> ApprovalTerms:
        """Return the terms as the policy has them now: who was removed decides no longer. Where it
        no longer asks for an approval, those of the opening stay."""
        opened_with = item.terms or ApprovalTerms()
        try:
            ruling = self._context.policy.rule_on(item.entitlement, self._catalogue)
        except InvalidRequestError:
            return opened_with
        is_approval = item.kind is WorkItemKind.APPROVAL
        if is_approval and ruling.fulfilment is not Fulfilment.APPROVAL:
            return opened_with
        meaning = ruling.meaning
        return ApprovalTerms(
            meaning.approvers,
            meaning.approvals_needed,
            meaning.on_expiry,
            meaning.escalate_to,
            meaning.approver_says_why,
            opened_with.requester_email,
        )
