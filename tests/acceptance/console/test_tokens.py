"""One's own access tokens in the console: shown once, no more than oneself, ended by oneself."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from connector.domain.authentication.console import SignInMethod
from tests.programs import problem, stranger
from tests.visitors import add_account, signed_in

PAGE = "/access-tokens"


def made(who, **fields):
    answer = who.post(PAGE, page=PAGE, **{"name": "report", "days": "30", **fields})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200, page
    return re.search(r'id="token">([^<]+)<', page)[1]


def text(answer, status=200):
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def test_a_token_is_shown_once_and_works(connector):
    ann = signed_in(connector, "approver", "operator")
    assert "You have no tokens" in text(ann.get(PAGE))
    token = made(ann, role="operator")
    page = text(ann.get(PAGE))
    assert token not in page and "report" in page and "operator" in page
    me = stranger(connector, token).read("/me")
    assert (me["login"], me["roles"]) == ("ann", ["operator"])


def test_an_administrator_makes_a_token_that_only_reads(connector):
    root = signed_in(connector, "administrator", login="root")
    token = made(root, role="viewer")
    reader = stranger(connector, token)
    assert reader.read("/me")["roles"] == ["viewer"]
    problem(reader.post("/jobs/sync/pause"), 403, "forbidden")


def test_a_token_is_revoked_by_whom_it_is(connector):
    ann = signed_in(connector, "viewer")
    token = made(ann)
    [known] = connector.application.personal_tokens.list("default", "ann")
    ben = signed_in(connector, "administrator", login="ben")
    ben.post(f"{PAGE}/{known.token_id}/revoke", page=PAGE, back=PAGE)
    assert stranger(connector, token).get("/me").status_code == 200
    ann.post(f"{PAGE}/{known.token_id}/revoke", page=PAGE, back=PAGE)
    problem(stranger(connector, token).get("/me"), 401, "unauthorized")
    assert "revoked" in text(ann.get(PAGE))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"role": "administrator"}, "no more than its person"),
        ({"days": "0"}, "token_max_days"),
        ({"days": "366"}, "token_max_days"),
        ({"days": "-1"}, "no number of days"),
        ({"days": "9" * 40}, "no number of days"),
        ({"name": " "}, "what the token is for"),
        ({"name": "x" * 101}, "what the token is for"),
    ],
)
def test_what_cannot_be_made_is_told(connector, fields, words):
    ann = signed_in(connector, "viewer")
    sent = {"name": "report", "days": "30", "back": PAGE, **fields}
    assert ann.post(PAGE, page=PAGE, **sent).status_code == 303
    assert words in text(ann.get(PAGE))
    assert connector.application.personal_tokens.list("default") == []


def test_a_form_without_its_token_makes_nothing(connector):
    ann = signed_in(connector, "viewer")
    answer = ann.http.post(f"/console{PAGE}", data={"name": "x", "days": "1"})
    assert answer.status_code == 400
    assert connector.application.personal_tokens.list("default") == []


def test_people_of_the_provider_and_installations_without_tokens_have_no_such_page(connector):
    ann = signed_in(connector, "viewer")
    assert "Access tokens" in text(ann.get("/"))
    application = connector.application
    find = application.console_sign_in.find
    application.console_sign_in.find = lambda *a: replace(find(*a), method=SignInMethod.OIDC)
    assert "Access tokens" not in text(ann.get("/"))
    text(ann.get(PAGE), 404)
    application.console_sign_in.find = find
    api = replace(application.settings.api, personal_tokens=False)
    application.settings = replace(application.settings, api=api)
    add_account(connector, "ben", "viewer")
    text(ann.get(PAGE), 404)
