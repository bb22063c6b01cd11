"""Reads the users of an account, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from connector.domain.merge import merge_member
from connector.domain.model import Account, GroupType
from connector.errors import ConnectorError
from connector.ports import USER, UserPage
from connector.services.aggregation.runs import Progress, Report, Run, Runs
from connector.services.changes import overtaken_since
from connector.services.context import TenantContext
from connector.services.mirror import MirrorWriter

_BATCH = 500
"""Users in one transaction: it costs a good deal by itself."""


class MemberReader:
    """Fills the mirror with the members of one tenant's accounts."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter, runs: Runs) -> None:
        self._context = context
        self._directory = context.directory
        self._mirror = mirror
        self._runs = runs

    def read(self, run: Run, account: Account, report: Report) -> None:
        """Read an account's users from the page that the run reached, with their groups."""
        if not self._read_users(run, account, report):
            self._read_group_members(run, account)

    def _read_users(self, run: Run, account: Account, report: Report) -> bool:
        """Read the users of an account; return whether the lists carried their groups."""
        cursor = run.record.cursor
        resumes = cursor.get("account") == account.account_id
        start = int(cursor.get("position", 0)) if resumes else 0
        has_groups = bool(cursor.get("has_groups", True)) if resumes else True
        mark = self._mark()
        for pages in _batches(self._directory.iter_users(account.account_id, start)):
            has_groups = has_groups and all(page.includes_groups for page in pages)
            self._write_pages(run, account, pages, mark, has_groups=has_groups)
            mark = self._mark()
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
            changed = self._mirror.put_users(uow, merged, regrouped=run.regrouped, found=True)
            # Those who are left out count as not seen, so that they are asked for at the end.
            seen = [user.user_id for user in merged]
            uow.mirror.seen_in_run(run.record.run_id, account.account_id, seen)
            run.add("users", len(ids))
            run.add("changed", changed)
            # A finished walk stands at its total, so that a resumed run does not begin again.
            position = pages[-1].next_position or _end(pages[-1])
            run.at(_end(pages[-1]), pages[-1].total)
            self._runs.save(
                uow, run, account=account.account_id, position=position, has_groups=has_groups
            )
            uow.commit()

    def _read_group_members(self, run: Run, account: Account) -> None:
        """Read members group by group, for accounts whose user lists do not carry them."""
        with self._context.read() as uow:
            groups = uow.mirror.catalogue().groups.values()
        for group in groups:
            if group.account_id != account.account_id or group.group_type is not GroupType.CUSTOM:
                continue
            members: set[str] = set()
            mark = self._mark()
            for page in self._directory.iter_group_members(group.account_id, group.group_id):
                members.update(page)
            with self._context.write() as uow:
                known = uow.mirror.group_member_ids(group.account_id, group.group_id)
                overtaken = overtaken_since(uow, members ^ known, mark)
                settled = (members - overtaken) | (known & overtaken)
                changed = self._mirror.put_group_members(uow, group, frozenset(settled))
                run.add("memberships_changed", changed)
                self._runs.renew(uow, run.owner)
                uow.commit()


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
