"""Sends what no client should, and looks whether it is refused in words that help."""

from __future__ import annotations

import json
from typing import Any

from tests.connector import BASE, Connector

ADDRESS = "ann@northwind-freight.example"


def send_raw(connector: Connector, method: str, path: str, body: bytes, **headers: str) -> Any:
    return connector.http.open(
        BASE + path,
        method=method,
        data=body,
        headers={
            "Authorization": f"Bearer {connector.token}",
            "Content-Type": "application/scim+json",
            **headers,
        },
    )


def said_no(response: Any, *statuses: int) -> str:
    """Return the ``detail`` of a refusal that a person can use."""
    text = response.get_data(as_text=True)
    assert response.status_code in (statuses or (400,)), text
    body = json.loads(text)
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(response.status_code)
    assert len(body["detail"]) > 10
    assert "Traceback" not in text
    assert "sqlalchemy" not in text.lower()
    return str(body["detail"])


def refused_or_harmless(response: Any, what: Any) -> bool:
    """Whether a request was refused, in the right way; a tolerated one changes nothing bad."""
    text = response.get_data(as_text=True)
    assert response.status_code in (200, 201, 204, 400, 409), (what, text[:500])
    if response.status_code < 400:
        return False
    said_no(response, 400, 409)
    return True


def operation(path: str, value: Any) -> dict[str, Any]:
    """Return a PatchOp that replaces one attribute."""
    return {"Operations": [{"op": "replace", "path": path, "value": value}]}
