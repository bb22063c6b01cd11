"""Delta aggregation: reads again what DocuSign hints at, between two full ones.

What DocuSign tells of changes is believed in one way only: a place that is named is read. The names
are kept as hints, in the transaction that also moves the place from which the next delta goes on;
so a process that dies, and an hour whose calls are used up, lose none. Full aggregations find what
no hint named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from connector.domain.budget import list_calls
from connector.domain.mirror.hints import MOST_ATTEMPTS, Hint, HintSource
from connector.domain.model import Account, User, fold
from connector.errors import ConnectorError, InvalidRequestError, PermanentError
from connector.progress import report_progress
from connector.purpose import Purpose, calling_for
from connector.services.aggregation.catalogue import CatalogueReader
from connector.services.aggregation.full import AggregationService
from connector.services.aggregation.listening import Listener
from connector.services.aggregation.places import put_place, since
from connector.services.aggregation.role_sweep import RoleSweep
from connector.services.aggregation.runs import SYNC_JOB
from connector.services.bindings import require_bound
from connector.services.context import TenantContext
from connector.services.targeted_aggregation.reader import Found, TargetedReader, is_about_one
from connector.services.targeted_aggregation.refresh import RefreshService

_log = structlog.get_logger(__name__)

DELTA_JOB = "delta"
_BATCH = 500
_FEW = 100
"""So many hints are always followed."""


@dataclass
class Read:
    """What a delta has read anew so far, for whoever compares it with what is expected."""

    user_ids: set[str] = field(default_factory=set)
    everybody: bool = False
    """Whether it became a full run, which is through."""
    catalogue: bool = False
    """Profiles and groups of some account."""
    catalogues: set[str] = field(default_factory=set)
    """The accounts whose profiles and groups were asked for: once a delta is enough."""


class DeltaService:
    """Reads what changed in DocuSign since the last look."""

    def __init__(
        self,
        context: TenantContext,
        full: AggregationService,
        reader: TargetedReader,
        catalogue: CatalogueReader,
        refresh: RefreshService,
    ) -> None:
        self._context = context
        self._full = full
        self._reader = reader
        self._catalogue = catalogue
        self._refresh = refresh
        self._listener = Listener(context)
        self._sweep = RoleSweep(context, refresh)

    def run(self, read: Read | None = None, *, in_full: bool = True) -> Mapping[str, int]:
        """Collect hints, follow them, and return how many of what there were.

        Does nothing before the first full aggregation: there is nothing that could be out of date.

        :param read: collects what was read, also where DocuSign stood in the way later.
        :param in_full: whether it may read everything where that is cheaper.
        :raises connector.errors.ConfigError: the database belongs to other accounts.
        :raises PermanentError: DocuSign refuses the Monitor stream; all else was done.
        :raises connector.errors.ConnectorError: DocuSign stood in the way; what was hinted at so
            far stays, and is gone on with.
        """
        counts: Counter[str] = Counter()
        with calling_for(Purpose.AGGREGATION):
            with self._context.read() as uow:
                require_bound(uow, self._context.settings)
                if uow.jobs.latest_done(SYNC_JOB, self._context.clock.now()) is None:
                    return counts
            refused = self._listen(counts)
            self._ask_lists(counts)
            read = read or Read()
            self._follow(counts, read, in_full=in_full)
            self._sweep.go_on(counts, read.user_ids)
        if refused is not None:
            raise refused
        _log.info("delta ended", **counts)
        return counts

    def read_user(self, wanted: str) -> Sequence[User]:
        """Read one person again in every governed account, and return what the mirror then has.

        :param wanted: an address (with everybody on it, and whom the mirror had there) or an id.
        :raises connector.errors.ConnectorError: DocuSign stood in the way.
        """
        with self._context.read() as uow:
            require_bound(uow, self._context.settings)
            on_address = uow.mirror.users_by_email([fold(wanted)]).values()
        user_ids = {user.user_id for users in on_address for user in users}
        if "@" in wanted:
            user_ids |= {user.user_id for user in self._refresh.find_address(wanted)}
        else:
            user_ids = {wanted.lower()}
        for user_id in sorted(user_ids):
            self._reader.read_everywhere(user_id)
            self._refresh.refresh_roles(user_id)
        with self._context.read() as uow:
            return list(uow.mirror.get_users(sorted(user_ids)).values())

    def require_mirror(self) -> None:
        """Let a delta through that has something to begin from.

        :raises InvalidRequestError: there was no full aggregation yet.
        """
        with self._context.read() as uow:
            if uow.jobs.latest_done(SYNC_JOB, self._context.clock.now()) is None:
                raise InvalidRequestError(
                    "There is nothing yet that could have changed: run `docusign-iga sync` first."
                )

    def _listen(self, counts: Counter[str]) -> PermanentError | None:
        """Read the Monitor stream. That it is refused keeps nothing else from being done."""
        if self._context.settings.aggregation.monitor == "none":
            return None
        try:
            self._listener.listen(counts)
        except PermanentError as error:
            return error
        return None

    # hints --------------------------------------------------------------------

    def _ask_lists(self, counts: Counter[str]) -> None:
        """Ask the Admin API who was modified, account by account."""
        if not self._context.directory.has_organization:
            return
        overlap = timedelta(seconds=self._context.settings.aggregation.delta_overlap_s)
        for account in self._context.settings.accounts:
            began_at = self._context.clock.now()
            name = f"list {account.account_id}"
            with self._context.read() as uow:
                start = since(uow, name, began_at)
            if start is None:
                continue
            try:
                found = self._modified(account.account_id, start - overlap)
            except PermanentError as error:
                # Accounts can be governed without rights in their organization.
                _log.warning("the organization's users cannot be read", error=str(error))
                counts["lists_refused"] += 1
                continue
            hints = [
                Hint(account.account_id, user_id, HintSource.LIST, began_at)
                for user_id in sorted(found)
            ]
            with self._context.write() as uow:
                uow.hints.add(hints)
                put_place(uow, name, began_at.isoformat())
                uow.commit()
            counts["listed"] += len(hints)

    def _modified(self, account_id: str, start: datetime) -> set[str]:
        pages = self._context.directory.iter_modified(account_id, start)
        return {user_id for page in pages for user_id in page}

    # following ----------------------------------------------------------------

    def _follow(self, counts: Counter[str], read: Read, *, in_full: bool) -> None:
        if in_full and self._is_cheaper_in_full():
            # By lists: an export shows too little of a user to take a hint for followed.
            self._full.sync(lists=True)
            counts["full"] += 1
            read.everybody = True
        accounts: dict[str, Account] = {}
        followed = 0
        put_off: set[tuple[str, str]] = set()
        while True:
            with self._context.read() as uow:
                due = uow.hints.due(_BATCH + len(put_off))
                waiting = uow.hints.count()
                accounts = accounts or dict(uow.mirror.catalogue().accounts)
            hints = [item for item in due if (item.account_id, item.user_id) not in put_off]
            if not hints:
                return
            total = followed + waiting
            for hint in hints:
                report_progress(followed, total)
                followed += 1
                is_read = self._read(hint, accounts, counts, read)
                if not is_read:
                    # Its hint stays for the next delta, and keeps no other from being followed.
                    put_off.add((hint.account_id, hint.user_id))
                with self._context.write() as uow:
                    (uow.hints.followed if is_read else uow.hints.in_vain)(hint)
                    uow.commit()
                if not is_read and hint.attempts + 1 == MOST_ATTEMPTS:
                    counts["given_up"] += 1
                    _log.warning("a hint waits for a full run", **_place(hint))

    def _is_cheaper_in_full(self) -> bool:
        """Whether lists of everybody cost fewer calls than a read of each member hinted at."""
        with self._context.read() as uow:
            accounts = [item.account_id for item in self._context.settings.accounts]
            lists = sum(list_calls(uow.totals.members(item)) + 2 for item in accounts)
            return uow.hints.count_members() > max(lists, _FEW)

    def _read(
        self, hint: Hint, accounts: Mapping[str, Account], counts: Counter[str], read: Read
    ) -> bool:
        """Follow a hint; return whether DocuSign showed what it is at."""
        governed = {item.account_id for item in self._context.settings.accounts}
        if hint.account_id and hint.account_id not in governed:
            return True
        account = accounts.get(hint.account_id)
        if hint.account_id and hint.user_id:
            return self._read_member(hint, account, counts, read)
        if hint.account_id:
            return account is None or self._read_catalogue(account, counts, read)
        if not self._refresh.refresh_roles_among(hint.user_id):
            counts["role_checks_refused"] += 1
            return False
        read.user_ids.add(hint.user_id)
        counts["role_checks"] += 1
        return True

    def _read_catalogue(self, account: Account, counts: Counter[str], read: Read) -> bool:
        read.catalogues.add(account.account_id)
        try:
            self._catalogue.read(account)
        except ConnectorError as error:
            shows_others = partial(self._reader.shows_others, account.account_id)
            if not is_about_one(error, shows_others, if_final=True):
                raise
            _log.warning("profiles and groups cannot be read", error=str(error))
            counts["catalogues_refused"] += 1
            return False
        read.catalogue = True
        counts["catalogues"] += 1
        return True

    def _read_member(
        self, hint: Hint, account: Account | None, counts: Counter[str], read: Read
    ) -> bool:
        before = self._held(hint)
        # DocuSign closes users and does not delete them. Whom it denies all the same, a full
        # run takes out: that sees whether it is one, or all because another account answers.
        found = self._reader.read_among(hint.account_id, hint.user_id, removes=False)
        counts["users"] += 1
        if found is not Found.NOBODY:
            counts[str(found)] += 1
        if found is Found.UNREADABLE:
            return False
        read.user_ids.add(hint.user_id)
        if account is None or account.account_id in read.catalogues:
            return True
        after = self._held(hint)
        unknown = after - self._known(account)
        # What somebody lost may be gone altogether, which is another finding.
        if (unknown or before - after) and self._read_catalogue(account, counts, read) and unknown:
            # Written again, the user shows what was unknown.
            self._reader.read_among(hint.account_id, hint.user_id, removes=False)
        return True

    def _held(self, hint: Hint) -> frozenset[str]:
        """Return profile and groups of a member, as the mirror has them."""
        with self._context.read() as uow:
            user = uow.mirror.get_users([hint.user_id]).get(hint.user_id)
        membership = user.memberships.get(hint.account_id) if user else None
        if membership is None:
            return frozenset()
        return frozenset({f"p{membership.profile_id}", *(f"g{i}" for i in membership.group_ids)})

    def _known(self, account: Account) -> frozenset[str]:
        with self._context.read() as uow:
            catalogue = uow.mirror.catalogue()
        profiles = {f"p{key[1]}" for key in catalogue.profiles if key[0] == account.account_id}
        groups = {f"g{key[1]}" for key in catalogue.groups if key[0] == account.account_id}
        return frozenset({"pNone", *profiles, *groups})


def _place(hint: Hint) -> dict[str, str]:
    return {"account": hint.account_id, "user": hint.user_id}
