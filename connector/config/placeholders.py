"""The ids of ``config.example.yaml``, which belong to nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

PLACEHOLDERS = frozenset(
    {"11111111-2222-4333-8444-555555555555", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"}
)


def placeholders_left(path: str, tenant: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (path, what is wrong) for every id that was copied and not filled in."""
    if tenant.get("user_id") in PLACEHOLDERS:
        yield (
            f"{path}.user_id",
            (
                "is the placeholder of config.example.yaml: enter the API User ID of the service "
                "user (DocuSign Admin, Users)"
            ),
        )
    listed = tenant.get("accounts")
    for place, account in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(account, Mapping) and account.get("account_id") in PLACEHOLDERS:
            yield (
                f"{path}.accounts[{place}].account_id",
                (
                    "is the placeholder of config.example.yaml: enter the API Account ID (DocuSign "
                    "Admin, Apps and Keys)"
                ),
            )
