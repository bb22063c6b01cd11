"""The event stream of DocuSign Monitor 2.0 and 3.0."""

from __future__ import annotations

from connector.docusign import wire
from connector.docusign.access import Access
from connector.docusign.client import Answer, ApiClient, Call, Json, Target, incomplete, listed
from connector.docusign.errors import (
    BadAnswerError,
    DocusignError,
    FeatureMissingError,
    RateLimitedError,
)
from connector.docusign.hosts import Hosts
from connector.errors import PermanentError
from connector.ports import Event, EventPage
from connector.settings import TenantSettings

_LIMIT = "2000"
"""The most events in one answer."""
_V2 = "/api/v2.0/datasets/monitor/stream"
_V3 = "/v1/organizations/{organization_id}/stream"
_REFUSED = (403, 404)
_BAD_CURSOR = 400


class MonitorApi:
    """The stream, in the version that the tenant names."""

    def __init__(
        self,
        client: ApiClient,
        access: Access,
        hosts: Hosts,
        tenant: TenantSettings,
        integration_key: str,
    ) -> None:
        self._client = client
        self._access = access
        self._hosts = hosts
        self._tenant = tenant
        self._integration_key = integration_key.lower()

    def page(self, cursor: str) -> EventPage | None:
        """Return what came after a cursor, None where DocuSign does not know the cursor any more.

        :param cursor: of an earlier page, or a time in ISO 8601.
        :raises FeatureMissingError: Monitor is not bought, or the service user may not read it.
        """
        is_v2 = self._tenant.aggregation.monitor == "v2"
        target = self._access.monitor(
            self._hosts.monitor_v2_url if is_v2 else self._hosts.monitor_url
        )
        path = {"organization_id": self._access.organization_id or ""}
        query = {"cursor": cursor, "limit": _LIMIT}
        call = Call("reading the Monitor stream", "GET", _V2 if is_v2 else _V3, path, query)
        try:
            answer = self._send(target, call)
        except DocusignError as error:
            if error.status == _BAD_CURSOR and not isinstance(error, RateLimitedError):
                return None
            raise
        items = listed(call, answer, "data" if is_v2 else "resultData")
        end_cursor = wire.text(answer, "endCursor")
        if not end_cursor:
            raise incomplete(call, answer, "The answer lacks the endCursor.")
        events = [self._event(item) for item in items if _succeeded(item)]
        return EventPage(events, end_cursor)

    def _send(self, target: Target, call: Call) -> Answer:
        try:
            return self._client.send(target, call)
        except DocusignError as error:
            # Also a bare 404: a host without the stream may well say so in HTML.
            is_final = isinstance(error, PermanentError | BadAnswerError)
            if error.status not in _REFUSED or not is_final:
                raise
            self._access.explain_refusal(error)
            raise FeatureMissingError(
                "DocuSign refuses the Monitor stream. Monitor is a product of its own: see whether "
                "the organization has it, and whether the service user administers exactly one "
                "organization. Or set aggregation.monitor to none: deltas then rest on the lists.",
                status=error.status,
                error_code=error.error_code,
                trace_token=error.trace_token,
            ) from error

    def _event(self, item: Json) -> Event:
        named = (wire.text(item, name).lower() for name in ("affectedUserId", "referencedUserId"))
        user_ids = list(dict.fromkeys(filter(None, named)))
        what = wire.text(item, "object").lower()
        actor = wire.text(item, "userId").lower()
        if not user_ids and "user" in what and actor:
            user_ids = [actor]
        key = wire.text(item, "integratorKey").lower()
        return Event(
            happened_at=wire.moment(item.get("timestamp")),
            account_id=wire.text(item, "accountId").lower(),
            user_ids=user_ids,
            what=what,
            is_own=key == self._integration_key and actor == self._tenant.user_id,
        )


def _succeeded(item: Json) -> bool:
    result = wire.text(item, "result").lower()
    return not result or result.startswith("succe")
