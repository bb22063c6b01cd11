"""Reads accounts through the eSignature API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from connector.docusign import wire
from connector.docusign.access import Access
from connector.docusign.client import ApiClient, Call, Json, incomplete, listed
from connector.docusign.pages import Page, esign_pages
from connector.domain.model import DirectoryGroup, Profile, User, fold
from connector.ports import Clock, GroupList, GroupMembers, UserPage
from connector.settings import Behaviour

_PROFILES_FRESH_FOR = timedelta(minutes=10)
_ACCOUNT = "/v2.1/accounts/{account_id}"


class EsignReader:
    """The reading half of the eSignature API for one tenant."""

    def __init__(
        self, client: ApiClient, access: Access, behaviour: Behaviour, clock: Clock
    ) -> None:
        self._client = client
        self._access = access
        self._behaviour = behaviour
        self._clock = clock
        self._profile_ids: dict[str, tuple[datetime, dict[str, str]]] = {}

    # catalogue ----------------------------------------------------------------

    def profiles(self, account_id: str) -> Sequence[Profile]:
        """Return an account's permission profiles; there is no paging."""
        path = {"account_id": account_id}
        call = Call(
            "listing the permission profiles", "GET", f"{_ACCOUNT}/permission_profiles", path
        )
        answer = self._client.send(self._access.account(account_id), call)
        items = listed(call, answer, "permissionProfiles")
        found = [wire.profile(account_id, item) for item in items]
        ids = {fold(item.name): item.profile_id for item in found}
        self._profile_ids[account_id] = (self._clock.now(), ids)
        return found

    def groups(self, account_id: str) -> GroupList:
        """Return an account's groups, each once."""
        path = {"account_id": account_id}
        call = Call("listing the groups", "GET", f"{_ACCOUNT}/groups", path)
        found: dict[str, DirectoryGroup] = {}
        counted = 0
        for page in self._pages(account_id, call, "groups"):
            found |= {
                group.group_id: group for group in map(partial(wire.group, account_id), page.items)
            }
            counted = page.total
        return GroupList(list(found.values()), max(0, counted - len(found)))

    def group_members(self, account_id: str, group_id: str) -> GroupMembers:
        """Return the ids of the users in a group."""
        path = {"account_id": account_id, "group_id": group_id}
        call = Call(
            "listing the members of a group", "GET", f"{_ACCOUNT}/groups/{{group_id}}/users", path
        )
        found: set[str] = set()
        counted = 0
        for page in self._pages(account_id, call, "users"):
            found |= {wire.text(item, "userId").lower() for item in page.items}
            counted = page.total
        return GroupMembers(frozenset(found), max(0, counted - len(found)))

    # users --------------------------------------------------------------------

    def user_pages(self, account_id: str, start_position: int) -> Iterator[UserPage]:
        """Walk an account's users, nobody twice: lists have no order and no snapshot."""
        path, query = {"account_id": account_id}, {"additional_info": "true"}
        call = Call("listing the users", "GET", f"{_ACCOUNT}/users", path, query)
        seen: set[str] = set()
        for page in self._pages(account_id, call, "users", start_position):
            users = [self._listed(account_id, item) for item in page.items]
            fresh = [user for user in users if user.user_id not in seen]
            seen.update(user.user_id for user in fresh)
            has_groups = self._has_groups(page.items)
            yield UserPage(fresh, page.start, page.following, page.total, has_groups)

    def member(self, account_id: str, user_id: str) -> User:
        """Return one user of an account, groups included.

        :raises MissingError: not a member, not even a closed one.
        """
        path = {"account_id": account_id, "user_id": user_id}
        call = Call("reading a user", "GET", f"{_ACCOUNT}/users/{{user_id}}", path)
        item = self._client.send(self._access.account(account_id), call)
        if not item.get("userId"):
            raise incomplete(call, item, "The answer lacks the user's id.")
        return wire.member(account_id, item, self._profile_id(account_id, item))

    def members_on(self, account_id: str, email: str) -> Sequence[User]:
        """Return an account's users on an address, groups included."""
        path = {"account_id": account_id}
        query = {"email": email, "additional_info": "true"}
        call = Call("looking for an address", "GET", f"{_ACCOUNT}/users", path, query)
        found: dict[str, User] = {}
        for page in self._pages(account_id, call, "users"):
            is_complete = self._has_groups(page.items)
            for item in page.items:
                user = self._listed(account_id, item)
                if fold(user.email) == fold(email):
                    found[user.user_id] = (
                        user if is_complete else self.member(account_id, user.user_id)
                    )
        return list(found.values())

    # what lists leave open ----------------------------------------------------

    def _listed(self, account_id: str, item: Json) -> User:
        trusts_ids = self._behaviour.list_profile_ids == "trust"
        resolve = self._profile_id if trusts_ids else self._profile_id_by_name
        return wire.member(account_id, item, resolve(account_id, item))

    def _has_groups(self, items: Sequence[Json]) -> bool:
        """Whether a page of users can be believed about groups."""
        if self._behaviour.list_groups != "auto":
            return self._behaviour.list_groups == "yes"
        # Everybody active is at least in Everyone; closed users may have nothing to show.
        active = [item for item in items if wire.text(item, "userStatus").lower() == "active"]
        return all("groupList" in item for item in active or items)

    def _profile_id(self, account_id: str, item: Json) -> str | None:
        """Return the profile id; memberships that are not active may lack it."""
        given = wire.text(item, "permissionProfileId")
        return given or self._profile_id_by_name(account_id, item)

    def _profile_id_by_name(self, account_id: str, item: Json) -> str | None:
        given = wire.text(item, "permissionProfileId") or None
        name = fold(wire.text(item, "permissionProfileName"))
        if not name:
            return given
        read_at, ids = self._profile_ids.get(account_id, (None, {}))
        if read_at is None or self._clock.now() - read_at > _PROFILES_FRESH_FOR:
            self.profiles(account_id)
            _, ids = self._profile_ids[account_id]
        return ids.get(name, given)

    def _pages(self, account_id: str, call: Call, name: str, start: int = 0) -> Iterator[Page]:
        return esign_pages(self._client, self._access.account(account_id), call, name, start)
