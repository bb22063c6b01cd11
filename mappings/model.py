"""What a loaded mapping is: immutable, checked, ready for the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
OF_THE_TENANT = "of the tenant"
"""How the source of a rule ends that the tenant's own settings have."""


@dataclass(frozen=True)
class Source:
    """One place from which a field of the person gets its value."""

    attribute: str | None = None
    """SCIM attribute: ``title``, ``name.givenName`` or ``urn:…:User:department``."""
    from_fields: tuple[str, ...] = ()
    """Other fields of the person, for a value that is put together from them."""
    to_directory: tuple[str, ...] = ()
    to_scim: tuple[str, ...] = ()
    keep_when_different: bool = False


@dataclass(frozen=True)
class FieldMapping:
    """One field of the DocuSign person and its sources, the most telling first."""

    name: str
    sources: tuple[Source, ...]
    required: bool = False
    case_exact: bool = True
    """Whether a value that differs in case alone is another one."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """The SCIM attributes among the sources, the most telling first."""
        return tuple(source.attribute for source in self.sources if source.attribute)


@dataclass(frozen=True)
class UserMapping:
    """``user.yaml``, with a tenant's own parts over it."""

    fields: tuple[FieldMapping, ...]
    kept: Mapping[str, tuple[str, ...]]
    """Attribute names by schema URN."""


@dataclass(frozen=True)
class Instructions:
    """The steps of a manual task, for each direction."""

    grant: tuple[str, ...] = ()
    revoke: tuple[str, ...] = ()

    def steps(self, direction: str, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the steps of ``grant`` or ``revoke`` with the person's values filled in.

        :param values: by placeholder, such as ``full_name`` for ``{full_name}``.
        """
        steps = self.grant if direction == "grant" else self.revoke
        return tuple(_fill(step, values) for step in steps)


def _fill(step: str, values: Mapping[str, str]) -> str:
    # Plain replacement: str.format would let a value reach into attributes.
    for name, value in values.items():
        step = step.replace("{" + name + "}", value)
    return step


@dataclass(frozen=True)
class Approvers:
    """Who decides. Nobody named: everybody with the tenant role ``approver``."""

    people: tuple[str, ...] = ()
    """Logins or e-mail addresses."""
    groups: tuple[str, ...] = ()
    """Groups of the identity provider, as its tokens name them."""
    manager: bool = False
    """The manager of the person whose access changes (enterprise extension)."""

    def __bool__(self) -> bool:
        return bool(self.people or self.groups or self.manager)


@dataclass(frozen=True)
class Meaning:
    """What an entitlement or role means and who carries a change of it out."""

    risk: str = "low"
    owner: str = ""
    fulfilment: str = "automatic"
    """``automatic``, ``approval`` or ``manual``."""
    approvers: Approvers = Approvers()
    approvals_needed: int = 1
    """How many have to agree. One denial ends the request."""
    expires_days: int | None = None
    """Days until an undecided approval ends; None: the tenant's ``approvals.expire_days``."""
    on_expiry: str = "deny"
    """``deny`` or ``escalate`` (once, to :attr:`escalate_to`, with the same time again)."""
    escalate_to: Approvers = Approvers()
    """Who decides after an escalation, and hears of overdue tasks."""
    remind_days: int | None = None
    """Days between reminders; None: the tenant's ``approvals.remind_days``."""
    reason_required: str = ""
    """Who has to say why: ``approver`` (an approval needs a comment too; a denial always does),
    ``requester`` (who asks without a reason is refused), ``both``, or nobody (empty)."""
    after_approval: str = "automatic"
    """``automatic`` or ``manual``: who carries it out once it is approved."""
    instructions: Instructions = Instructions()
    deep_link: str | None = None
    """None: DocuSign Admin of the environment, where the entitlement is DocuSign's."""
    due_days: int | None = None
    """None: the tenant's ``manual_task_due_days``."""
    verification: str = "attestation"
    """``organization_admin``, ``docusign`` or ``attestation``."""
    on_drift: str = ""
    """``report``, ``accept`` or ``revert``: what is done where it was given or taken in DocuSign
    itself; empty: the tenant's ``drift.policy``."""

    @property
    def approver_says_why(self) -> bool:
        """Whether an approval needs a comment."""
        return self.reason_required in ("approver", "both")

    @property
    def requester_says_why(self) -> bool:
        """Whether a request needs a reason."""
        return self.reason_required in ("requester", "both")


@dataclass(frozen=True)
class EntitlementRule(Meaning):
    """The meaning of all profiles and groups for which every condition holds."""

    match: str = "*"
    kind: str = ""
    """``profile`` or ``group``; empty: both."""
    account: str = "*"
    """Against the account's id, alias and name."""
    source: str = ""
    """Where it stands, for people: ``rule 2 of the tenant``."""

    def covers(
        self, scim_id: str, name: str, *, kind: str = "profile", account: Sequence[str] = ("",)
    ) -> bool:
        """Return whether every condition holds; patterns are compared without case.

        :param account: the names of the account: id, alias, name.
        """
        return (
            self.kind in ("", kind)
            and _fits(self.match, (scim_id, name))
            and (self.account == "*" or _fits(self.account, account))
        )


def _fits(pattern: str, texts: Sequence[str]) -> bool:
    return any(fnmatchcase(text.casefold(), pattern.casefold()) for text in texts)


@dataclass(frozen=True)
class Role(Meaning):
    """A role that people grant."""

    role_id: str = ""
    display: str = ""
    description: str = ""


@dataclass(frozen=True)
class EntitlementMapping:
    """``entitlements.yaml``, with a tenant's own roles over it."""

    rules: tuple[EntitlementRule, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    """By role id, which is the SCIM id."""

    def meaning(
        self, scim_id: str, name: str, *, kind: str = "profile", account: Sequence[str] = ("",)
    ) -> Meaning:
        """Return what a permission profile or group means: the first rule that covers it, as a
        whole; without one it is automatic."""
        covering = (
            rule for rule in self.rules if rule.covers(scim_id, name, kind=kind, account=account)
        )
        return next(covering, Meaning())
