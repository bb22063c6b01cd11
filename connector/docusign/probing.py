"""Single calls to try DocuSign out: a :class:`connector.ports.probing.Prober`."""

from __future__ import annotations

from collections.abc import Sequence

from connector.docusign import wire
from connector.docusign.access import Access
from connector.docusign.admin import AdminApi
from connector.docusign.client import ApiClient, Call, listed
from connector.docusign.esign_reads import EsignReader
from connector.docusign.esign_writes import EsignWriter
from connector.docusign.limits import Gate
from connector.domain.model import User
from connector.domain.plan import CreateMembership, Person, ReopenMembership
from connector.ports import Clock
from connector.ports.probing import AdminPage, Listed
from connector.settings import Behaviour, TenantSettings

_ACCOUNT = "/v2.1/accounts/{account_id}"
_ORGANIZATION_USERS = "/v2/organizations/{organization_id}/users"


class DocusignProber:
    """Tries one tenant's accounts out. See the port for the contract."""

    def __init__(
        self,
        environment: str,
        tenant: TenantSettings,
        clock: Clock,
        *,
        access: Access,
        client: ApiClient,
        gate: Gate,
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._access = access
        self._client = client
        self._gate = gate
        behaviour = Behaviour(list_groups="no", list_profile_ids="trust")
        self._reader = EsignReader(client, access, behaviour, clock)
        self._writer = EsignWriter(client, access)
        self._admin = AdminApi(client, access, tenant, clock, behaviour=Behaviour())

    @property
    def environment(self) -> str:
        """The configured environment."""
        return self._environment

    @property
    def has_organization(self) -> bool:
        """Whether the Admin API can be asked."""
        return self._access.organization_id is not None

    # users --------------------------------------------------------------------

    def create(self, account_id: str, email: str, name: tuple[str, str], profile_id: str) -> str:
        """Create a user and return the id."""
        person = Person(email, " ".join(name), *name)
        return self._writer.create(CreateMembership(account_id, person, profile_id))

    def read(self, account_id: str, user_id: str) -> User:
        """Return a user as DocuSign shows it now."""
        return self._reader.member(account_id, user_id)

    def on_address(self, account_id: str, email: str) -> Sequence[User]:
        """Return the users on an address."""
        return self._reader.members_on(account_id, email)

    def first_users(self, account_id: str) -> Sequence[Listed]:
        """Return the first page of users, word by word."""
        query = {"additional_info": "true", "count": "100", "status": "Active"}
        path = {"account_id": account_id}
        call = Call("listing the users", "GET", f"{_ACCOUNT}/users", path, query)
        answer = self._client.send(self._access.account(account_id), call)
        return [
            Listed(
                wire.text(item, "userId").lower(),
                "groupList" in item,
                wire.text(item, "permissionProfileId"),
            )
            for item in listed(call, answer, "users")
        ]

    def update(self, account_id: str, user_id: str, body: dict[str, object]) -> None:
        """Change a user in DocuSign's own words."""
        self._writer.update(account_id, user_id, body)

    def close(self, account_id: str, user_id: str) -> None:
        """Close a user."""
        self._writer.close(account_id, user_id, strip=False)

    def reopen(self, account_id: str, user: User, way: str) -> None:
        """Re-open a closed user in one of the known ways."""
        if way == "user_status":
            self._writer.update(account_id, user.user_id, {"userStatus": "Active"})
        elif way == "resend_activation":
            self._writer.resend_activation(account_id, user.user_id, {})
        else:
            person = Person(user.email, user.user_name, user.first_name, user.last_name)
            profile_id = user.memberships[account_id].profile_id or ""
            self._admin.reopen(ReopenMembership(account_id, user.user_id, person, profile_id))

    def profiles(self, account_id: str) -> Sequence[tuple[str, bool]]:
        """Return the permission profiles."""
        return [(item.profile_id, item.is_admin) for item in self._reader.profiles(account_id)]

    # groups -------------------------------------------------------------------

    def create_group(self, account_id: str, name: str) -> str:
        """Create a group and return its id."""
        return self._writer.create_group(account_id, name).group_id

    def groups_named(self, account_id: str, name: str) -> Sequence[str]:
        """Return the ids of the groups of a name."""
        found = self._reader.groups(account_id).groups
        return [item.group_id for item in found if item.name == name]

    def add_member(self, account_id: str, group_id: str, user_id: str) -> str:
        """Put a user into a group; return what DocuSign refuses."""
        refused = list(self._writer.change_members("PUT", account_id, group_id, [user_id]))
        return "; ".join(str(error) for _, error in refused)

    def delete_group(self, account_id: str, group_id: str) -> None:
        """Delete a group."""
        self._writer.delete_group(account_id, group_id)

    # Admin API ----------------------------------------------------------------

    def admin_page(self, account_id: str, take: int) -> AdminPage:
        """Return how a page of so many users comes out."""
        query = {"account_id": account_id, "start": "0", "take": str(take)}
        path = {"organization_id": self._access.organization_id or ""}
        call = Call("listing users", "GET", _ORGANIZATION_USERS, path, query)
        answer = self._access.ask_organization(call)
        paging = answer.get("paging") or {}
        total = wire.number(paging.get("result_set_total_size"))
        has_more = bool(paging.get("next"))
        return AdminPage(len(listed(call, answer, "users")), has_more, total)

    def is_modified_since(self, account_id: str, email: str, since: str) -> bool:
        """Whether the Admin list shows somebody with this ``last_modified_since``."""
        query = {"account_id": account_id, "email": email, "last_modified_since": since}
        path = {"organization_id": self._access.organization_id or ""}
        call = Call("listing modified users", "GET", _ORGANIZATION_USERS, path, query)
        answer = self._access.ask_organization(call)
        return bool(listed(call, answer, "users"))

    def is_organization_admin(self, email: str) -> bool | None:
        """Return the flag of ``users/profile``."""
        people = self._admin.people(email)
        return people[-1].is_organization_admin if people else None

    def tells_limits(self, account_id: str) -> bool:
        """Whether the last answers carried limits."""
        return self._gate.reading(account_id) is not None
