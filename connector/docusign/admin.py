"""The Admin API of one tenant's organization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from connector.docusign import wire
from connector.docusign.access import Access
from connector.docusign.causes import raise_item_errors
from connector.docusign.client import Answer, ApiClient, Call, Json, incomplete, listed
from connector.docusign.errors import MissingError, RefusedError
from connector.docusign.pages import Repeats
from connector.domain.model import User
from connector.domain.plan import CreateMembership, ReopenMembership
from connector.errors import TemporaryError
from connector.ports import Clock
from connector.settings import Behaviour, TenantSettings

_DOMAINS_FRESH_FOR = timedelta(minutes=10)
"""Domains are claimed over days."""
_ORGANIZATION = "/v2/organizations/{organization_id}"
_REDACTION_OF_ORGANIZATION = "/v2/data_redaction/organizations/{organization_id}/user"
_REDACTION_OF_ACCOUNT = "/v2/data_redaction/accounts/{account_id}/user"


class AdminApi:
    """Calls of the Admin API. Every method raises FeatureMissingError without organization."""

    def __init__(
        self,
        client: ApiClient,
        access: Access,
        tenant: TenantSettings,
        clock: Clock,
        *,
        behaviour: Behaviour,
    ) -> None:
        self._client = client
        self._access = access
        self._governed = frozenset(account.account_id for account in tenant.accounts)
        self._clock = clock
        self._page_size = behaviour.admin_page_size
        self._modified_since = behaviour.modified_since
        self._domains: tuple[datetime, Mapping[str, bool]] | None = None

    # reading ------------------------------------------------------------------

    def people(self, email: str) -> Sequence[User]:
        """Return everybody on an address with all memberships and the organization-admin flag."""
        call = self._call("reading a person", "GET", "/users/profile", query={"email": email})
        try:
            answer = self._send(call)
        except MissingError:
            return []
        now = self._clock.now()
        return [wire.person(item, self._governed, now) for item in listed(call, answer, "users")]

    def closing_dates(self, account_id: str, email: str = "") -> dict[str, datetime]:
        """Return when memberships of an account were closed, by user id: the eSignature API does
        not say.

        :param email: only users on this address.
        """
        query = {"account_id": account_id, "membership_status": "closed"}
        if email:
            query["email"] = email
        found: dict[str, datetime] = {}
        for items in self._pages("listing closed users", query):
            for item in items:
                if (closed_at := wire.moment(item.get("membership_closed_on"))) is not None:
                    found[wire.text(item, "id").lower()] = closed_at
        return found

    def modified(self, account_id: str, since: datetime) -> Iterator[Sequence[str]]:
        """Walk the ids of an account's users who were modified since then."""
        # DocuSign's samples send a date, or a time with its zone.
        by_date = self._modified_since == "date"
        moment = f"{since:%Y-%m-%d}" if by_date else since.isoformat(timespec="seconds")
        query = {"account_id": account_id, "last_modified_since": moment}
        for items in self._pages("listing modified users", query):
            yield [wire.text(item, "id").lower() for item in items]

    def _pages(self, what: str, query: Mapping[str, str]) -> Iterator[list[Json]]:
        start, repeats = 0, Repeats(what)
        while True:
            page = {"start": str(start), "take": str(self._page_size)}
            call = self._call(what, "GET", "/users", query={**query, **page})
            answer = self._send(call)
            items = listed(call, answer, "users")
            yield items
            # A smaller page than asked for is no last page: the maximum is unpublished.
            start += len(items)
            more = items and (answer.get("paging") or {}).get("next")
            if not more or repeats.are_endless(items):
                return

    def sites(self) -> Mapping[str, int]:
        """Return the data-centre number of each account in the organization."""
        call = Call("listing the organizations", "GET", "/v2/organizations")
        answer = self._client.send(self._access.organization(), call)
        found: dict[str, int] = {}
        for organization in listed(call, answer, "organizations"):
            for account in organization.get("accounts") or ():
                site_id = wire.number(account.get("site_id"))
                if site_id is not None:
                    found[wire.text(account, "id").lower()] = site_id
        return found

    def claimed_domains(self) -> Mapping[str, bool]:
        """Return the claimed domains, each with whether an identity provider is bound to it.

        They are at most ten minutes old, or older while DocuSign does not answer.
        """
        read_at, known = self._domains or (None, {})
        if read_at is not None and self._clock.now() - read_at <= _DOMAINS_FRESH_FOR:
            return known
        try:
            return self._read_domains()
        except TemporaryError:
            if read_at is None:
                raise
            return known

    def _read_domains(self) -> Mapping[str, bool]:
        call = self._call("listing the claimed domains", "GET", "/reserved_domains")
        domains = {
            wire.text(item, "host_name").lower(): bool(item.get("identity_provider_id"))
            for item in listed(call, self._send(call), "reserved_domains")
            if wire.text(item, "status").lower() == "active"
        }
        self._domains = (self._clock.now(), domains)
        return domains

    def can_auto_activate(self, email: str) -> bool:
        """Whether DocuSign activates a membership on this address without its person."""
        return self.claimed_domains().get(email.rpartition("@")[2].lower(), False)

    # writing ------------------------------------------------------------------

    def create(self, operation: CreateMembership) -> str:
        """Create a user whose membership is active at once, and return the id."""
        person = operation.person
        account = {"id": operation.account_id, **_place(operation)}
        body: Json = {
            "email": person.email,
            "user_name": person.user_name,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "auto_activate_memberships": True,
            "accounts": [{key: value for key, value in account.items() if value != ""}],
        }
        call = self._call("creating a user", "POST", "/users")
        answer = self._send(call, {key: value for key, value in body.items() if value != ""})
        items = [answer, *(answer.get("accounts") or ())]
        raise_item_errors(call.what, items, answer.trace_token)
        user_id = wire.text(answer, "id").lower()
        if not user_id:
            raise incomplete(call, answer, "The answer lacks the user's id.")
        return user_id

    def reopen(self, operation: ReopenMembership) -> None:
        """Re-open a closed membership with the reactivation flag of ``users/profiles``."""
        site_id = self.site_of(operation.user_id, operation.person.email)
        membership = {"account_id": operation.account_id, **_place(operation)}
        user: Json = {
            "id": operation.user_id,
            "site_id": site_id,
            "memberships": [{**membership, "send_activation": True}],
        }
        body: Json = {"users": [user], "auto_activate_memberships_on_reactivation": True}
        self._change_users("re-opening a user", "/users/profiles", body)

    def change_email(self, user_id: str, email: str, site_id: int) -> None:
        """Change an address in every account."""
        body: Json = {"users": [{"id": user_id, "site_id": site_id, "email": email}]}
        self._change_users("changing an address", "/users/email_addresses", body)

    def site_of(self, user_id: str, email: str) -> int:
        """Return the data-centre number of a user.

        :raises MissingError: nobody of that id is on the address.
        """
        for user in self.people(email):
            if user.user_id == user_id and user.site_id is not None:
                return user.site_id
        raise MissingError(
            f"The organization does not show user {user_id} on that address. Check that the "
            "account is linked to the organization, then run a sync."
        )

    def redact(self, user_id: str, account_ids: Sequence[str]) -> Mapping[str, str]:
        """Delete a user's data in accounts, for good, and return DocuSign's status by account.

        Without an organization each account is asked by itself.
        """
        organization_id = self._access.organization_id
        if organization_id is not None:
            path = {"organization_id": organization_id}
            places = [{"account_id": account_id} for account_id in account_ids]
            body: Json = {"user_id": user_id, "memberships": places}
            return self._redact(_REDACTION_OF_ORGANIZATION, path, body)
        found: dict[str, str] = {}
        for account_id in account_ids:
            path = {"account_id": account_id}
            found.update(self._redact(_REDACTION_OF_ACCOUNT, path, {"user_id": user_id}))
        return found

    def _redact(self, template: str, path: Mapping[str, str], body: Json) -> Mapping[str, str]:
        call = Call("erasing a person", "POST", template, path, {}, body)
        answer = self._client.send(self._access.redaction(), call)
        return {
            wire.text(item, "account_id").lower(): wire.text(item, "status").lower()
            for item in listed(call, answer, "membership_results")
        }

    # calls --------------------------------------------------------------------

    def _change_users(self, what: str, template: str, body: Json) -> None:
        answer = self._send(self._call(what, "POST", template), body)
        raise_item_errors(what, answer.get("users") or (), answer.trace_token)
        if wire.text(answer, "success").lower() == "false":
            raise RefusedError(
                f"{what[:1].upper()}{what[1:]} failed. DocuSign says that it did not succeed, and "
                "not why. Look at the user in DocuSign: it may be closed, or on an address outside "
                "the claimed domains.",
                trace_token=answer.trace_token,
            )

    def _call(
        self, what: str, method: str, template: str, *, query: Mapping[str, str] | None = None
    ) -> Call:
        self._access.organization()
        path = {"organization_id": self._access.organization_id or ""}
        return Call(what, method, _ORGANIZATION + template, path, query or {})

    def _send(self, call: Call, body: Json | None = None) -> Answer:
        call = Call(call.what, call.method, call.template, call.path, call.query, body)
        return self._access.ask_organization(call)


def _place(operation: CreateMembership | ReopenMembership) -> Json:
    """Return a membership as the Admin API wants it; ids are numbers here."""
    return {
        "permission_profile": {"id": int(operation.profile_id)},
        "groups": [{"id": int(group_id)} for group_id in operation.group_ids],
        "company_name": operation.person.company,
        "job_title": operation.person.job_title,
    }
