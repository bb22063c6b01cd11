"""Makes an account what a file declares: compared with DocuSign, planned, applied on a person's
word.

What is done follows from what DocuSign has at that moment, found by name; so a run that was killed
is simply run again. Groups and administrators go the way of every other change, through plans in
the ledger; permission profiles are done here, each step an audit event, and read back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from connector.domain.account_setup.actual import ActualAccount, ActualGroup, Member, Settings
from connector.domain.account_setup.checks import wish_problems
from connector.domain.account_setup.guards import require_safe
from connector.domain.account_setup.planning import plan_setup
from connector.domain.account_setup.steps import (
    ChangeProfile,
    CreateGroup,
    CreateProfile,
    GrantAdministration,
    RemoveGroup,
    RemoveProfile,
    RevokeAdministration,
    SetupPlan,
    Step,
)
from connector.domain.account_setup.wish import ProfileWish, Wish, wanted_people
from connector.domain.model import GroupType, User, fold, group_scim_id
from connector.domain.planning import ActualUser, DesiredUser
from connector.errors import (
    ConfigError,
    InvalidRequestError,
    NotFoundError,
    PermanentError,
    UniquenessError,
    UnknownOutcomeError,
)
from connector.ports import ProfileDesigner, UnitOfWork
from connector.services.aggregation import CatalogueReader
from connector.services.context import Actor, TenantContext
from connector.services.expectations import know_account
from connector.services.locks import WriteLocks
from connector.services.mirror.writer import MirrorWriter
from connector.services.provisioning.groups import GroupProvisioning
from connector.services.provisioning.users import UserProvisioning
from connector.services.provisioning.wishes import unchanged

_LOCK = "account-setup"
_WAIT_S = 5.0


@dataclass(frozen=True)
class Done:
    """A step that was carried out."""

    step: Step
    waits: bool = False
    """Whether people have to agree first: it stands in their inbox."""


class AccountSetup:
    """The set-up of the accounts of one tenant."""

    def __init__(
        self,
        context: TenantContext,
        designer: ProfileDesigner,
        *,
        users: UserProvisioning,
        groups: GroupProvisioning,
        locks: WriteLocks,
        mirror: MirrorWriter,
    ) -> None:
        self._context = context
        self._designer = designer
        self._users = users
        self._groups = groups
        self._locks = locks
        self._mirror = mirror

    # looking ------------------------------------------------------------------

    def read(self, account: str, people: Iterable[str] = ()) -> ActualAccount:
        """Return an account as DocuSign has it now.

        :param account: its id or alias.
        :param people: addresses of members who matter beside the administrators.
        :raises InvalidRequestError: the tenant governs no such account.
        """
        directory = self._context.directory
        with self._context.read() as uow:
            account_id = self._context.book(uow.mirror.catalogue()).resolve(account)
        profiles = self._designer.profiles(account_id)
        groups = directory.list_groups(account_id).groups
        admin_ids = {
            user_id
            for group in groups
            if group.group_type is GroupType.ADMIN
            for user_id in directory.list_group_members(account_id, group.group_id).user_ids
        }
        with self._context.read() as uow:
            named = uow.mirror.users_by_email([fold(email) for email in people])
            ids = {user.user_id for users in named.values() for user in users}
            users = uow.mirror.get_users({*ids, *admin_ids, directory.service_user_id})
        return ActualAccount(
            account_id,
            profiles,
            [
                ActualGroup(group.group_id, group.name)
                for group in groups
                if not group.group_type.is_built_in
            ],
            list(_members(account_id, users.values(), admin_ids)),
            directory.service_user_id,
        )

    def plan(self, account: str, wish: Wish) -> tuple[SetupPlan, ActualAccount]:
        """Return what would make the account what the wish says, and the account as it is.

        :raises ConfigError: with everything that cannot be of the wish.
        """
        actual = self.read(account, wanted_people(wish))
        if problems := list(wish_problems(wish, actual)):
            raise ConfigError(problems)
        return plan_setup(wish, actual), actual

    def declared(self, account: str) -> Wish:
        """Return the wish that an account as it is fulfils: what people have made of it."""
        actual = self.read(account)
        return Wish(
            profiles=[
                ProfileWish(one.name, dict(sorted(one.settings.items())))
                for one in actual.profiles
                if not one.is_built_in
            ],
            groups=sorted(one.name for one in actual.groups),
            administrators=sorted(one.email for one in actual.members if one.is_admin),
        )

    # doing --------------------------------------------------------------------

    def apply(
        self,
        account: str,
        wish: Wish,
        checksum: str,
        actor: Actor,
        *,
        allow_many: bool = False,
        progress: Callable[[Done], None] = lambda _done: None,
    ) -> Sequence[Done]:
        """Carry out the plan that a person has seen.

        Stopped or refused in the middle, it leaves what was done; applied again, it goes on.

        :param checksum: of the plan that was agreed to.
        :raises ConfigError: as :meth:`plan`.
        :raises InvalidRequestError: the account changed meanwhile: it would be another plan.
        :raises connector.errors.GuardError: a safety rule refuses; nothing was done.
        :raises PermanentError: DocuSign refuses a step, or did not take a setting.
        """
        with self._locks.hold([_LOCK], _WAIT_S):
            plan, actual = self.plan(account, wish)
            if plan.checksum != checksum:
                raise InvalidRequestError(
                    "The account changed since the plan was made. Look at the new one."
                )
            guards = self._context.settings.guards
            require_safe(
                plan,
                actual,
                protect_last_admin=guards.protect_last_admin,
                limit=self._limit(),
                allow_many=allow_many,
            )
            done: list[Done] = []
            for step in plan.steps:
                done.append(self._carry_out(plan.account_id, step, actor))
                progress(done[-1])
            self._refresh(plan.account_id)
            return done

    def _limit(self) -> int:
        guards = self._context.settings.guards
        with self._context.read() as uow:
            share = uow.mirror.count_users() * guards.max_affected_pct / 100
        return max(guards.max_affected_min, int(share))

    def _carry_out(self, account_id: str, step: Step, actor: Actor) -> Done:
        waits = False
        match step:
            case CreateProfile(name, settings):
                self._create_profile(account_id, name, settings)
            case ChangeProfile():
                self._designer.change(account_id, step.profile_id, step.after)
                self._require_taken(account_id, step.name, step.after)
            case RemoveProfile():
                self._remove_profile(account_id, step)
            case CreateGroup(name):
                self._create_group(account_id, name, actor)
            case RemoveGroup():
                scim_id = group_scim_id(account_id, step.group_id)
                self._groups.delete(scim_id, lambda *_: None, actor)
            case GrantAdministration():
                waits = self._grant(account_id, step, actor)
            case RevokeAdministration():
                waits = self._revoke(account_id, step, actor)
        with self._context.write() as uow:
            facts = {"step": type(step).__name__, "waits": waits, **asdict(step)}
            self._context.audit(uow, actor, "account_setup.applied", account_id, **facts)
            uow.commit()
        return Done(step, waits)

    def _create_profile(self, account_id: str, name: str, settings: Settings) -> None:
        try:
            self._designer.create(account_id, name, settings)
        except UnknownOutcomeError:
            if self._profile_id(account_id, name) is None:
                raise
        self._require_taken(account_id, name, settings)
        self._refresh(account_id)

    def _remove_profile(self, account_id: str, step: RemoveProfile) -> None:
        successor = step.successor_id
        if step.successor and not successor:  # Made a moment ago.
            successor = self._profile_id(account_id, step.successor) or ""
        try:
            self._designer.remove(account_id, step.profile_id, successor)
        except UnknownOutcomeError:
            if self._profile_id(account_id, step.name) is not None:
                raise

    def _profile_id(self, account_id: str, name: str) -> str | None:
        found = (one for one in self._designer.profiles(account_id) if fold(one.name) == fold(name))
        return next((one.profile_id for one in found), None)

    def _require_taken(self, account_id: str, name: str, settings: Settings) -> None:
        """Read a profile back: DocuSign passes over what it does not know in silence.

        :raises PermanentError: a setting is not what was sent.
        """
        profiles = self._designer.profiles(account_id)
        found = next((one for one in profiles if fold(one.name) == fold(name)), None)
        kept = found.settings if found else {}
        refused = [key for key, value in settings.items() if kept.get(key) != value]
        if refused:
            raise PermanentError(
                f"DocuSign did not take {', '.join(sorted(refused))} of the profile {name!r}. The "
                "name may be misspelt, or the plan of the account lacks the feature. `account "
                "export` shows the settings that there are."
            )

    def _create_group(self, account_id: str, name: str, actor: Actor) -> None:
        try:
            self._groups.create(account_id, name, {}, actor)
        except UniquenessError:
            # The mirror is older than the plan, which DocuSign was asked for.
            self._refresh(account_id)
            self._groups.create(account_id, name, {}, actor)

    def _grant(self, account_id: str, step: GrantAdministration, actor: Actor) -> bool:
        profile_id = self._profile_id(account_id, step.profile)
        if profile_id is None:
            raise NotFoundError(f"There is no profile {step.profile!r}.")
        return self._give(account_id, step.user_id, profile_id, actor)

    def _revoke(self, account_id: str, step: RevokeAdministration, actor: Actor) -> bool:
        with self._context.read() as uow:
            baseline = self._context.book(uow.mirror.catalogue()).baseline(account_id)
        return self._give(account_id, step.user_id, baseline.profile_id, actor)

    def _give(self, account_id: str, user_id: str, profile_id: str, actor: Actor) -> bool:
        """Give somebody a profile; return whether people have to agree first."""

        def wish(uow: UnitOfWork, actual: ActualUser) -> DesiredUser:
            others = {
                (one.account_id, one.profile_id)
                for one in actual.user.open_memberships()
                if one.profile_id and one.account_id != account_id
            }
            wanted = frozenset({*others, (account_id, profile_id)})
            return replace(unchanged(uow, actual, actor), profiles=wanted, exact=True)

        self._users.update(user_id, wish, actor)
        with self._context.read() as uow:
            user = uow.mirror.get_users([user_id])[user_id]
        return user.memberships[account_id].profile_id != profile_id

    def _refresh(self, account_id: str) -> None:
        """Let the catalogue show what there is now."""
        directory = self._context.directory
        account = next(one for one in directory.list_accounts() if one.account_id == account_id)
        CatalogueReader(self._context, self._mirror).read(account)
        with self._context.write() as uow:
            know_account(uow, account_id)
            uow.commit()


def _members(account_id: str, users: Iterable[User], admin_ids: set[str]) -> Iterable[Member]:
    for user in users:
        membership = user.memberships.get(account_id)
        if membership is not None and membership.status.is_open:
            is_admin = user.user_id in admin_ids or membership.is_admin
            yield Member(user.user_id, user.email, membership.profile_id or "", is_admin)
