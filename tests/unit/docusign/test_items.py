"""What the items of an answer say that as a whole succeeded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from connector.docusign import errors
from connector.docusign.admin import AdminApi
from connector.docusign.causes import item_error
from connector.docusign.client import Answer
from connector.settings import Behaviour, TenantSettings


@pytest.mark.parametrize("name", ["errorDetails", "error_details"])
@pytest.mark.parametrize(
    "details",
    [
        None,
        {},
        {"errorCode": "SUCCESS", "message": ""},
        {"errorCode": "success", "message": "all is well"},
        {"errorCode": "", "message": ""},
        {"error": None, "error_description": None},
    ],
    ids=str,
)
def test_an_item_is_done_where_it_says_so_or_nothing(name, details):
    assert item_error("changing a user", {"userId": "u", name: details}) is None


@pytest.mark.parametrize("name", ["errorDetails", "error_details"])
@pytest.mark.parametrize(
    "details",
    [
        {"errorCode": "", "message": "The user is locked."},
        {"message": "The user is locked."},
        {"error": "", "error_description": "The user is locked."},
        {"errorMessage": "The user is locked."},
        "The user is locked.",
    ],
    ids=str,
)
def test_an_item_with_a_text_and_no_code_is_refused(name, details):
    error = item_error("changing a user", {"userId": "u", name: details})
    assert isinstance(error, errors.RefusedError)
    assert "The user is locked." in str(error)
    assert error.error_code is None


def test_an_unauthorized_item_is_not_told_as_lost_rights():
    error = item_error("changing an address", {"error_details": {"error": "unauthorized"}})
    assert type(error) is errors.RefusedError
    assert "closed user" in str(error)


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("MEMBER_EMAIL_AND_USER_NAME_ALREADY_EXISTS_FOR_THIS_ACCOUNT",) * 2,
        ("NEW_CODE", "NEW_CODE"),
        ("<b>x</b> " + "t" * 50, "x [removed]"),
        ("a b " * 200, ("a b " * 200)[:199] + "…"),
    ],
)
def test_a_foreign_code_is_kept_as_it_may_be_shown(code, kept):
    error = item_error("changing a user", {"errorDetails": {"errorCode": code}})
    assert error is not None
    assert error.error_code == kept
    assert kept in str(error)


def admin_that_answers(answer: dict[str, Any]) -> AdminApi:
    access: Any = SimpleNamespace(
        organization=lambda: None,
        organization_id="o",
        ask_organization=lambda call: Answer(answer),
    )
    unused: Any = None
    return AdminApi(unused, access, TenantSettings(), unused, behaviour=Behaviour())


@pytest.mark.parametrize("said", [False, "false", "False"])
def test_a_change_that_did_not_succeed_is_no_success(said):
    admin = admin_that_answers({"success": said, "users": [{"id": "u"}]})
    with pytest.raises(errors.RefusedError, match="did not succeed"):
        admin.change_email("u", "new@example.net", 1)


@pytest.mark.parametrize("answer", [{"success": True}, {"success": True, "users": []}, {}])
def test_a_change_that_is_not_denied_is_one(answer):
    admin_that_answers(answer).change_email("u", "new@example.net", 1)
