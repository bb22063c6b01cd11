"""User-list exports of one tenant's organization."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from connector.docusign import wire
from connector.docusign.access import Access
from connector.docusign.client import ApiClient, Call, Target, incomplete
from connector.docusign.errors import RefusedError
from connector.docusign.hosts import Hosts
from connector.ports import ExportRow, ExportState

_EXPORTS = "/v2/organizations/{organization_id}/exports/user_list"
_REQUIRED = ("APIUserName", "AccountID", "UserEmail", "MembershipStatus")


class UserExports:
    """Orders exports of single accounts and reads their rows."""

    def __init__(self, client: ApiClient, access: Access, hosts: Hosts) -> None:
        self._client = client
        self._access = access
        self._hosts = hosts

    def order(self, account_id: str) -> str:
        """Order an export of an account's memberships and return its id.

        :raises NoAnswerError: whether one was ordered is not certain.
        """
        body = {
            "type": "organization_memberships_export",
            "accounts": [{"account_id": account_id}],
        }
        path = {"organization_id": self._access.organization_id or ""}
        call = Call("ordering a user-list export", "POST", _EXPORTS, path, {}, body)
        answer = self._access.ask_organization(call)
        export_id = wire.text(answer, "id")
        if not export_id:
            raise incomplete(call, answer, "The answer lacks the export's id.")
        return export_id

    def state(self, export_id: str) -> ExportState:
        """Return how far an export is."""
        path = {"organization_id": self._access.organization_id or "", "export_id": export_id}
        call = Call("asking for an export", "GET", f"{_EXPORTS}/{{export_id}}", path)
        answer = self._access.ask_organization(call)
        results = [item for item in answer.get("results") or () if isinstance(item, dict)]
        has_errors = any(item.get("error_details") for item in results)
        status = wire.text(answer, "status").lower()
        return ExportState(
            status == "completed",
            status == "failed" or has_errors,
            [wire.text(item, "url") for item in results],
            sum(wire.number(item.get("number_rows")) or 0 for item in results),
        )

    def rows(self, account_id: str, url: str) -> Iterator[ExportRow]:
        """Walk the rows of one site that are about an account.

        :raises RefusedError: the address is none of DocuSign's, or the file is not as known.
        """
        parts = urlsplit(url)
        base_url = f"{parts.scheme}://{parts.netloc}"
        if not self._hosts.serves_accounts(base_url):
            raise RefusedError(
                f"The export is given at {base_url[:100]!r}, which is no DocuSign host over https: "
                "no access token is sent there."
            )
        paid = self._access.organization()
        target = Target(base_url, paid.subject, paid.budget, paid.tenant)
        path = {f"part{number}": part for number, part in enumerate(parts.path.split("/")[1:])}
        template = "".join(f"/{{{name}}}" for name in path)
        call = Call("fetching an export", "GET", template, path)
        # On disk and without a name: it has a line for each of who knows how many users.
        with tempfile.TemporaryFile() as file:
            self._client.download(target, call, file)
            file.seek(0)
            text = io.TextIOWrapper(file, "utf-8-sig", "replace", newline="")
            try:
                yield from _rows(text, account_id)
            except csv.Error as error:
                raise RefusedError(f"The export is no table that can be read: {error}.") from error


def _rows(text: Iterable[str], account_id: str) -> Iterator[ExportRow]:
    reader = csv.DictReader(text)
    missing = [name for name in _REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise RefusedError(f"The export lacks the columns {', '.join(missing)}.")
    for row in reader:
        if (row["AccountID"] or "").strip().lower() == account_id:
            yield _row(row)


def _row(row: Mapping[str, str | None]) -> ExportRow:
    def text(name: str) -> str:
        return (row.get(name) or "").strip()

    return ExportRow(
        user_id=text("APIUserName").lower(),
        email=text("UserEmail"),
        user_name=text("FullName"),
        first_name=text("FirstName"),
        last_name=text("LastName"),
        job_title=text("JobTitle"),
        company=text("CompanyName"),
        status=wire.status(text("MembershipStatus").replace(" ", "")),
        profile_id=text("eSignPermissionProfileID"),
        profile_name=text("eSignPermissionProfile"),
        groups=text("Groups") if "Groups" in row else None,
    )
