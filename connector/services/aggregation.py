"""Full aggregation: fills the mirror from DocuSign, page by page.

It costs one call for every hundred users of each account, plus the catalogue. A few pages are one
transaction that also moves the run's cursor, so that a run that dies goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from connector.domain.ledger import JobRun, RunState
from connector.domain.merge import merge_member, without_membership
from connector.domain.model import Account, DirectoryGroup, GroupType, User
from connector.errors import ConflictingWriteError, ConnectorError, GuardError, NotFoundError
from connector.logs import correlation_id
from connector.ports import GROUP, TOMBSTONE, USER, UnitOfWork, UserPage
from connector.purpose import Purpose, Scope, calling_for
from connector.services.bindings import bind, require_bound
from connector.services.changes import overtaken_since, tombstone_id
from connector.services.context import Actor, TenantContext, new_id
from connector.services.locks import LEASE, SYNC_KEY
from connector.services.manual_tasks import ADMINS_KNOWN
from connector.services.mirror import MirrorWriter
from connector.services.refresh import RefreshService

_log = structlog.get_logger(__name__)

SYNC_JOB = "sync"
_BATCH = 500
"""Users in one transaction: it costs a good deal by itself."""
_RESUME_WITHIN = timedelta(hours=6)
"""A run that began longer ago is begun anew: its first accounts were read before the next regular
run was due (the default of ``jobs.sync_interval_s``), and would be missed by the resumed one."""
_ROLE_CHECKS = 200
"""The most users whose organization-admin flag one run reads: one Admin API call each."""
_ROLES_REACHED = "roles_reached"


@dataclass(frozen=True)
class Progress:
    """How far a run is, for a progress bar."""

    account: Account
    done: int
    total: int


Report = Callable[[Progress], None]


@dataclass
class _Run:
    """The state of a run while it goes."""

    record: JobRun
    owner: str
    """Of the lease: two syncs in one process exclude each other too."""
    counts: dict[str, int] = field(default_factory=dict)
    regrouped: set[tuple[str, str]] = field(default_factory=set)
    scope: Scope = field(default_factory=Scope)
    calls_before: int = 0
    """Calls that the run made before it was broken off."""

    @property
    def calls(self) -> int:
        return self.calls_before + self.scope.calls

    def add(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number


class AggregationService:
    """Reads DocuSign into the mirror of one tenant."""

    def __init__(
        self, context: TenantContext, mirror: MirrorWriter, refresh: RefreshService
    ) -> None:
        self._context = context
        self._directory = context.directory
        self._mirror = mirror
        self._refresh = refresh

    def sync(self, report: Report = lambda _: None) -> JobRun:
        """Read everything and return the finished run with its counts.

        An unfinished run is resumed at the page it reached, within six hours of its start.

        :raises ConflictingWriteError: another process is at it.
        :raises connector.errors.ConfigError: the database belongs to other accounts.
        :raises ConnectorError: DocuSign or a setting stood in the way; the run keeps its place.
        """
        with calling_for(Purpose.AGGREGATION) as scope:
            run = self._begin()
            run.scope, run.calls_before = scope, run.record.calls
            return self._sync(run, report)

    def _sync(self, run: _Run, report: Report) -> JobRun:
        try:
            self._read_accounts(run, report)
            self._read_roles(run)
        except ConnectorError as error:
            self._finish(run, RunState.FAILED, str(error), type(error).__name__)
            raise
        except BaseException as error:
            text = f"broken off: {type(error).__name__}"
            self._finish(run, RunState.FAILED, text, type(error).__name__)
            raise
        return self._finish(run, RunState.DONE)

    # the run ------------------------------------------------------------------

    def _begin(self) -> _Run:
        owner = f"{self._context.owner}:{new_id()}"
        with self._context.write() as uow:
            self._renew(uow, owner)
            require_bound(uow, self._context.settings)
            last = uow.jobs.latest(SYNC_JOB)
            if last is not None and self._can_go_on(last):
                record = replace(
                    last, state=RunState.RUNNING, error=None, cause=None, finished_at=None
                )
                uow.jobs.save(record)
            else:
                if last is not None:
                    uow.mirror.forget_run(last.run_id)
                record = JobRun(new_id(), SYNC_JOB, RunState.RUNNING, self._now())
                uow.jobs.add(record)
            uow.commit()
        return _Run(record, owner, dict(record.counts))

    def _can_go_on(self, last: JobRun) -> bool:
        is_young = self._now() - last.started_at <= _RESUME_WITHIN
        return last.state is not RunState.DONE and bool(last.cursor) and is_young

    def _finish(
        self, run: _Run, state: RunState, error: str | None = None, cause: str | None = None
    ) -> JobRun:
        record = replace(
            run.record,
            state=state,
            counts=run.counts,
            calls=run.calls,
            finished_at=self._now(),
            error=error,
            cause=cause,
        )
        with self._context.write() as uow:
            if state is RunState.DONE:
                uow.mirror.forget_run(record.run_id)
                uow.mirror.stamp_users(record.started_at)
            uow.jobs.save(record)
            uow.locks.release([SYNC_KEY], run.owner)
            facts = {"run": record.run_id, "counts": run.counts, "error": error}
            self._context.audit(uow, _actor(), f"sync.{state}", "", **facts)
            uow.commit()
        _log.info("sync ended", state=state, **run.counts)
        return record

    def _save(self, uow: UnitOfWork, run: _Run, **cursor: object) -> None:
        """Move the cursor within the transaction of the page it stands for."""
        run.record = replace(
            run.record,
            cursor={**run.record.cursor, **cursor},
            counts=dict(run.counts),
            calls=run.calls,
        )
        uow.jobs.save(run.record)
        self._renew(uow, run.owner)

    def _renew(self, uow: UnitOfWork, owner: str) -> None:
        now = self._now()
        if not uow.locks.acquire([SYNC_KEY], owner, now + LEASE, now):
            raise ConflictingWriteError(
                "Another sync of this tenant is running, or was killed less than two minutes ago. "
                "Wait until it ends; one that was broken off is then gone on with.",
                retry_after_s=60,
            )

    def _now(self) -> datetime:
        return self._context.clock.now()

    # accounts -----------------------------------------------------------------

    def _read_accounts(self, run: _Run, report: Report) -> None:
        for account in self._directory.list_accounts():
            if account.account_id in run.record.cursor.get("accounts_done", ()):
                continue
            self._read_catalogue(run, account)
            has_groups = self._read_users(run, account, report)
            if not has_groups:
                self._read_group_members(run, account)
            self._confirm_vanished(run, account)
            done = [*run.record.cursor.get("accounts_done", ()), account.account_id]
            with self._context.write() as uow:
                self._mirror.touch_groups(uow, run.regrouped)
                self._save(uow, run, accounts_done=done, account=None, position=0)
                uow.commit()
            run.regrouped.clear()

    def _read_catalogue(self, run: _Run, account: Account) -> None:
        profiles = self._directory.list_profiles(account.account_id)
        with self._context.read() as uow:
            marks = {kind: uow.resources.latest_change(kind) for kind in (GROUP, TOMBSTONE)}
        read = self._directory.list_groups(account.account_id)
        with self._context.write() as uow:
            groups = _with_newer(uow, account, read, marks)
            bind(uow, self._context.settings, account)
            self._mirror.put_account_catalogue(uow, account, profiles, groups)
            run.add("profiles", len(profiles))
            run.add("groups", len(groups))
            uow.commit()

    def _read_users(self, run: _Run, account: Account, report: Report) -> bool:
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
        run: _Run,
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
            self._save(
                uow, run, account=account.account_id, position=position, has_groups=has_groups
            )
            uow.commit()

    def _read_group_members(self, run: _Run, account: Account) -> None:
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
                self._renew(uow, run.owner)
                uow.commit()

    def _confirm_vanished(self, run: _Run, account: Account) -> None:
        """Ask for each user whom the walk missed: lists can skip users that move while paging.

        :raises GuardError: it missed so many that the list is not to be believed.
        """
        self._refuse_mass_vanishing(run, account)
        after = ""
        while True:
            with self._context.read() as uow:
                missed = uow.mirror.unseen_in_run(run.record.run_id, account.account_id, after)
            if not missed:
                return
            for user_id in missed:
                while not self._confirm(run, account, user_id):
                    pass
            after = missed[-1]

    def _refuse_mass_vanishing(self, run: _Run, account: Account) -> None:
        """DocuSign closes users and does not delete them, so a list that lacks many is wrong, or
        another account answers; to ask for each of them would cost a call each."""
        guards = self._context.settings.guards
        with self._context.read() as uow:
            missed = uow.mirror.count_unseen_in_run(run.record.run_id, account.account_id)
            known = uow.totals.members(account.account_id)
        limit = max(guards.max_affected_min, int(known * guards.max_affected_pct / 100))
        if missed > limit:
            raise GuardError(
                f"DocuSign's list of users of account {account.name} lacks {missed:,} of the "
                f"{known:,} that are known, more than {limit:,}. Nobody was taken out. Users are "
                "closed in DocuSign and not deleted: look whether docusign.environment and the "
                "account are right, and sync again. If they are really gone, raise "
                "guards.max_affected_pct for one sync.",
                guard="mass_vanishing",
                setting="guards.max_affected_pct",
            )

    def _confirm(self, run: _Run, account: Account, user_id: str) -> bool:
        """Read a user; return False where another change overtook the read."""
        mark = self._mark()
        try:
            seen = self._directory.get_member(account.account_id, user_id)
        except NotFoundError:
            seen = None
        with self._context.write() as uow:
            if overtaken_since(uow, [user_id], mark):
                return False
            known = uow.mirror.get_users([user_id])[user_id]
            if seen is None:
                merged = without_membership(known, account.account_id)
                run.add("vanished")
            else:
                merged = merge_member(known, seen)
            self._mirror.put_users(uow, [merged], regrouped=run.regrouped, found=True)
            uow.commit()
        return True

    # roles --------------------------------------------------------------------

    def _read_roles(self, run: _Run) -> None:
        """Look at account administrators and known organization admins: no list shows the role.

        Begins behind whom the last run looked at, so that each has their turn where they are many.
        """
        if not self._directory.has_organization:
            return
        with self._context.read() as uow:
            last = uow.jobs.latest_done(SYNC_JOB)
        after, checked = str(last.cursor.get(_ROLES_REACHED, "")) if last else "", 0
        reached = ""
        while checked < _ROLE_CHECKS:
            with self._context.read() as uow:
                ids = uow.mirror.iter_user_ids(after)
                users = uow.mirror.get_users(ids)
            if not ids:
                break
            for user_id in ids:
                if checked < _ROLE_CHECKS and _may_be_organization_admin(users[user_id]):
                    self._refresh.refresh_roles(user_id)
                    checked += 1
                    reached = user_id
            after = ids[-1]
        run.add("role_checks", checked)
        is_at_end = checked < _ROLE_CHECKS
        with self._context.write() as uow:
            if is_at_end:
                uow.put_fact(ADMINS_KNOWN, True)
            self._save(uow, run, **{_ROLES_REACHED: "" if is_at_end else reached})
            uow.commit()


def _with_newer(
    uow: UnitOfWork,
    account: Account,
    read: Sequence[DirectoryGroup],
    marks: Mapping[str, datetime | None],
) -> list[DirectoryGroup]:
    """Return an account's groups as they were read, save what somebody made, changed or deleted
    meanwhile: of that the mirror knows more."""
    known = {
        item.scim_id: item
        for item in uow.mirror.catalogue().groups.values()
        if item.account_id == account.account_id
    }
    groups = {item.scim_id: item for item in read}
    for scim_id in overtaken_since(uow, known, marks[GROUP], GROUP):
        groups[scim_id] = known[scim_id]
    places = {tombstone_id(GROUP, scim_id): scim_id for scim_id in groups}
    for place in overtaken_since(uow, places, marks[TOMBSTONE], TOMBSTONE):
        del groups[places[place]]
    return list(groups.values())


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


def _may_be_organization_admin(user: User) -> bool:
    return bool(user.is_organization_admin) or any(
        item.is_admin for item in user.open_memberships()
    )


def _actor() -> Actor:
    return Actor(f"job:{SYNC_JOB}", "job", correlation_id())
