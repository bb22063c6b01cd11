"""Reads the users of an account, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from connector.domain.mirror.merge import merge_member
from connector.domain.model import Account, DirectoryGroup, GroupType
from connector.domain.policy.guards import Loss, refuse_mass_loss
from connector.errors import ConnectorError
from connector.ports import USER, UnitOfWork, UserPage
from connector.services.aggregation.runs import Progress, Report, Run, Runs
from connector.services.aggregation.unchanged import Unchanged
from connector.services.context import TenantContext
from connector.services.mirror.changes import overtaken_since
from connector.services.mirror.writer import MirrorWriter

_BATCH = 500
"""Users in one transaction: it costs a good deal by itself."""

_log = structlog.get_logger(__name__)


class MemberReader:
    """Fills the mirror with the members of one tenant's accounts."""

    def __init__(
        self, context: TenantContext, mirror: MirrorWriter, runs: Runs, unchanged: Unchanged
    ) -> None:
        self._context = context
        self._directory = context.directory
        self._mirror = mirror
        self._runs = runs
        self._unchanged = unchanged

    def read(self, run: Run, account: Account, report: Report) -> None:
        """Read an account's users from the page that the run reached, with their groups.

        A walk that met fewer than DocuSign counts is repeated once: whoever moved to a page that
        was read before is met then.
        """
        with self._context.read() as uow:
            run.passes_over = not run.is_thorough and self._unchanged.is_known(
                uow, account.account_id
            )
        has_groups = self._walk(run, account, report)
        if self._missing(run, account) > 0 and not run.place(account, "again"):
            run.add("walked_again")
            with self._context.write() as uow:
                self._runs.save(uow, run, account=account.account_id, position=0, again=True)
                uow.commit()
            has_groups = self._walk(run, account, report)
        if (missing := self._missing(run, account)) > 0:
            # Members who are known are asked for one by one; a newcomer waits for the next run.
            run.add("short", missing)
            _log.warning("DocuSign counts more users than it lists", missing=missing)
        if not has_groups:
            self._read_group_members(run, account)

    def _missing(self, run: Run, account: Account) -> int:
        """Return how many fewer were met than DocuSign counted last."""
        with self._context.read() as uow:
            seen = uow.mirror.count_seen_in_run(run.record.run_id, account.account_id)
        return int(run.place(account, "total") or 0) - seen - run.left_out

    def _walk(self, run: Run, account: Account, report: Report) -> bool:
        """Read the users of an account; return whether the lists carried their groups."""
        start = int(run.place(account, "position") or 0)
        has_groups = bool(run.place(account, "has_groups", default=True))
        mark, asked_at = self._mark(), self._context.clock.now()
        run.left_out = 0
        for pages in _batches(self._directory.iter_users(account.account_id, start)):
            has_groups = has_groups and all(page.includes_groups for page in pages)
            self._write_pages(run, account, pages, mark, asked_at, has_groups=has_groups)
            mark, asked_at = self._mark(), self._context.clock.now()
            report(Progress(account, _end(pages[-1]), pages[-1].total))
        return has_groups

    def _mark(self) -> datetime | None:
        """Return what :func:`overtaken_since` compares with; taken before DocuSign is asked."""
        with self._context.read() as uow:
            return uow.resources.latest_change(USER)

    def _write_pages(
        self,
        run: Run,
        account: Account,
        pages: Sequence[UserPage],
        mark: datetime | None,
        asked_at: datetime,
        *,
        has_groups: bool,
    ) -> None:
        ids = [user.user_id for page in pages for user in page.users]
        with self._context.write() as uow:
            known = uow.mirror.get_users(ids)
            # Whom nobody else has read in this account cannot be older on the page.
            overtaken = {
                user_id
                for user_id in overtaken_since(uow, ids, mark)
                if user_id in known and account.account_id in known[user_id].memberships
            }
            merged = [
                merge_member(known.get(user.user_id), user, with_groups=page.includes_groups)
                for page in pages
                for user in page.users
                if user.user_id not in overtaken
            ]
            fresh = [
                user
                for user in merged
                if not (run.passes_over and self._unchanged.is_same(known.get(user.user_id), user))
            ]
            changed = self._mirror.put_users(uow, fresh, asked_at=asked_at, regrouped=run.regrouped)
            # Those who are left out count as not seen, so that they are asked for at the end.
            seen = [user.user_id for user in merged]
            uow.mirror.seen_in_run(run.record.run_id, account.account_id, seen)
            run.left_out += len(overtaken)
            run.add("users", len(ids))
            run.add("written", len(fresh))
            run.add("changed", changed)
            # A finished walk stands at its total, so that a resumed run does not begin again.
            position = pages[-1].next_position or _end(pages[-1])
            run.at(_end(pages[-1]), pages[-1].total)
            self._runs.save(
                uow,
                run,
                account=account.account_id,
                position=position,
                has_groups=has_groups,
                total=pages[-1].total,
            )
            uow.commit()

    def _read_group_members(self, run: Run, account: Account) -> None:
        """Read members group by group, for accounts whose user lists do not carry them.

        Who has left a group is taken out last, once it is known how many those are.

        :raises GuardError: so many that the lists are not to be believed.
        """
        with self._context.read() as uow:
            groups = [
                item
                for item in uow.mirror.catalogue().groups.values()
                if item.account_id == account.account_id and item.group_type is GroupType.CUSTOM
            ]
            known = sum(uow.mirror.group_size(item.account_id, item.group_id) for item in groups)
        left: list[_Leaving] = []
        lost = 0
        for group in groups:
            mark, asked_at = self._mark(), self._context.clock.now()
            read = self._directory.list_group_members(group.account_id, group.group_id)
            with self._context.write() as uow:
                before = uow.mirror.group_member_ids(group.account_id, group.group_id)
                settled = self._mirror.settled_members(uow, group, read.user_ids, mark, asked_at)
                self._put_members(uow, run, group, before | settled, left)
                gone = frozenset() if read.missing else before - settled
                if gone:
                    lost += len(gone)
                    leaving = _Leaving(group, asked_at)
                    leaving.marks.update(dict.fromkeys(gone, uow.resources.latest_change(USER)))
                    left.append(leaving)
                self._runs.renew(uow, run.owner)
                uow.commit()
            if read.missing:
                run.add("short_members", read.missing)
            where, is_all = f"groups of account {account.name}", group is groups[-1]
            loss = Loss("members", where, lost, known, is_all=is_all)
            refuse_mass_loss(loss, self._context.settings.guards)
        for item in left:
            self._take_out(run, item, left)

    def _take_out(self, run: Run, item: _Leaving, left: Sequence[_Leaving]) -> None:
        """Take out of a group who has left it, but for those whom somebody wrote since."""
        group = item.group
        with self._context.write() as uow:
            gone = item.standing(uow, item.marks)
            gone -= self._mirror.just_regrouped(uow, group.account_id, gone, item.asked_at)
            before = uow.mirror.group_member_ids(group.account_id, group.group_id)
            self._put_members(uow, run, group, before - gone, left)
            self._runs.renew(uow, run.owner)
            uow.commit()

    def _put_members(
        self,
        uow: UnitOfWork,
        run: Run,
        group: DirectoryGroup,
        members: frozenset[str],
        left: Sequence[_Leaving],
    ) -> None:
        """Write the members of a group. What the run itself writes of somebody does not overtake
        what it has read of them before."""
        moved = members ^ uow.mirror.group_member_ids(group.account_id, group.group_id)
        standing = [(item, item.standing(uow, moved)) for item in left]
        run.add("memberships_changed", self._mirror.put_group_members(uow, group, members))
        mark = uow.resources.latest_change(USER)
        for item, ids in standing:
            item.renew(moved, ids, mark)


@dataclass(frozen=True)
class _Leaving:
    """Who has left a group, until they are taken out of it."""

    group: DirectoryGroup
    asked_at: datetime
    marks: dict[str, datetime | None] = field(default_factory=dict)
    """By user, the latest change of which it is known that it does not overtake the list."""

    def standing(self, uow: UnitOfWork, user_ids: Iterable[str]) -> set[str]:
        """Return those of the users who have left it, and whom nobody has written since."""
        by_mark: dict[datetime | None, set[str]] = {}
        for user_id in self.marks.keys() & set(user_ids):
            by_mark.setdefault(self.marks[user_id], set()).add(user_id)
        return {
            user_id
            for mark, ids in by_mark.items()
            for user_id in ids - overtaken_since(uow, ids, mark)
        }

    def renew(self, moved: Iterable[str], standing: set[str], mark: datetime | None) -> None:
        """Note that the run itself has written users, who of them still stood, and until when."""
        for user_id in self.marks.keys() & set(moved):
            if user_id in standing:
                self.marks[user_id] = mark
            else:
                del self.marks[user_id]


def _batches(pages: Iterable[UserPage]) -> Iterator[list[UserPage]]:
    """Gather pages; those before one that cannot be read are not lost."""
    batch: list[UserPage] = []
    try:
        for page in pages:
            batch.append(page)
            if sum(len(item.users) for item in batch) >= _BATCH:
                yield batch
                batch = []
    except ConnectorError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _end(page: UserPage) -> int:
    return page.start_position + len(page.users)
