"""Documents reach their reader without being parsed."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from connector.domain.ledger.resources import ClientAttributes
from connector.ports import (
    BASE_URL_MARK,
    EXTERNAL_ID_MARK,
    USER,
    GroupMember,
    JoinedPage,
    StoredResource,
)
from connector.scim_handlers.rendering import Reader, render, render_joined
from connector.services.mirror.documents import render_row

BASE = "https://scim.acme.test/scim/v2"
ENTRA = Reader(BASE, "entra")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def stored(external_ids=None, text="Ann"):
    attributes = ClientAttributes(USER, "u1", external_ids or {})
    content = {"displayName": text}
    row = render_row(
        USER, "u1", "urn:user", content, attributes, created_at=NOW, last_modified_at=NOW
    )
    return StoredResource("u1", row.document, row.version, NOW, row.scopes)


def seen(resource, reader=ENTRA):
    return orjson.loads(render(resource, reader).document)


def test_the_base_url_takes_the_place_of_the_mark():
    assert seen(stored())["meta"]["location"] == f"{BASE}/Users/u1"


@pytest.mark.parametrize("scopes", [("entra",), ("entra", "okta")])
@pytest.mark.parametrize(
    "text",
    [
        f'"\\{BASE_URL_MARK}é\n',
        EXTERNAL_ID_MARK,
        f"{EXTERNAL_ID_MARK}entra",
        f'x"{EXTERNAL_ID_MARK}entra":"y',
        f'","{EXTERNAL_ID_MARK}":"y',
        f'"{EXTERNAL_ID_MARK}okta":"y",',
    ],
)
def test_a_clients_text_may_contain_anything(text, scopes):
    resource = stored(dict.fromkeys(scopes, text), text)

    assert seen(resource)["externalId"] == text
    assert seen(resource)["displayName"] == text
    assert seen(resource).keys() == seen(stored()).keys() | {"externalId"}


@pytest.mark.parametrize("scope", ["", "none", "entr", "entra,okta"])
@pytest.mark.parametrize("scopes", [("entra",), ("entra", "okta")])
def test_nobody_sees_the_external_id_of_another_client(scope, scopes):
    resource = stored(dict.fromkeys(scopes, "mine"))

    assert b"mine" not in render(resource, Reader(BASE, scope)).document
    assert seen(resource, Reader(BASE, scope)).keys() == seen(stored()).keys()


def test_each_of_several_clients_sees_its_own():
    resource = stored({"okta": "o", "entra.old": "old", "entra": 'e"1'})

    assert seen(resource)["externalId"] == 'e"1'
    assert seen(resource, Reader(BASE, "entra.old"))["externalId"] == "old"


def page_of(*resources):
    documents = ",".join(item.document for item in resources).encode()
    is_shared = any(item.scopes not in ("", ENTRA.scope) for item in resources)
    return JoinedPage(len(resources), len(resources), documents, is_shared)


def test_a_page_shows_what_its_resources_show():
    resources = [stored({"entra": "e`"}), stored(text="`"), stored({"entra": 'o",'})]

    documents = orjson.loads(b"[%s]" % render_joined(page_of(*resources), ENTRA).joined.documents)

    assert documents == [seen(item) for item in resources]


@pytest.mark.parametrize("others", [{"okta": "o"}, {"okta": "o", "entra": "e"}])
def test_a_page_with_the_ids_of_others_is_rendered_one_by_one(others):
    assert render_joined(page_of(stored({"entra": "e"}), stored(others)), ENTRA) is None


def test_members_are_joined_in():
    members = [GroupMember("u2", 'Ann "A" Lee')]

    assert orjson.loads(render(stored({"entra": "e"}), ENTRA, members).document)["members"] == [
        {"value": "u2", "$ref": f"{BASE}/Users/u2", "type": "User", "display": 'Ann "A" Lee'}
    ]


def test_no_members_are_no_attribute():
    assert "members" not in orjson.loads(render(stored(), ENTRA, []).document)
