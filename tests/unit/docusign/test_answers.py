"""What an answer of DocuSign means, and of what stands in between."""

from __future__ import annotations

import pytest
import requests
import requests_mock as mocking
from requests.adapters import HTTPAdapter

from connector.docusign import errors
from connector.docusign.causes import CAUSES
from connector.docusign.client import Answer, listed
from connector.docusign.session import pooled_session
from connector.errors import ConfigError
from connector.settings import DocusignSettings
from tests.unit.docusign.calls import READ, URL, write


def test_empty_body_is_an_empty_answer(client, target, wire_mock):
    wire_mock.delete(URL, status_code=200)
    assert client.send(target, write("DELETE")) == {}


@pytest.mark.parametrize("body", [{}, {"users": "x"}, {"users": [1]}])
def test_missing_list_is_never_taken_for_nobody(body):
    with pytest.raises(errors.BadAnswerError):
        listed(READ, Answer(body), "users")


def test_counted_empty_list_may_be_absent():
    assert listed(READ, Answer(resultSetSize="0"), "users") == []


@pytest.mark.parametrize("code", sorted(CAUSES))
def test_every_code_leads_to_its_class_in_any_case(client, target, wire_mock, code):
    wire_mock.get(
        URL,
        status_code=400,
        json={"errorCode": code.title(), "message": "why"},
        headers={"X-DocuSign-TraceToken": "trace-1"},
    )
    with pytest.raises(CAUSES[code].error) as caught:
        client.send(target, READ)
    if not isinstance(caught.value, errors.TokenRejectedError):
        assert caught.value.status == 400
        assert caught.value.error_code == code.title()
        assert caught.value.trace_token == "trace-1"
        assert str(caught.value).startswith("Reading a thing failed. ")
        assert "trace token trace-1" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, errors.BadAnswerError),
        (401, errors.BadAnswerError),
        (403, errors.BadAnswerError),
        (404, errors.BadAnswerError),
        (408, errors.UnavailableError),
        (429, errors.RateLimitedError),
        (444, errors.RateLimitedError),
        (500, errors.UnavailableError),
        (418, errors.BadAnswerError),
    ],
)
@pytest.mark.parametrize("text", ["", "<html><body>sorry</body></html>"])
def test_what_is_not_docusign_s_is_told_as_such(
    *, client, target, wire_mock, status, expected, text
):
    wire_mock.get(URL, status_code=status, text=text)
    with pytest.raises(expected) as caught:
        client.send(target, READ)
    assert "sorry" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"errorCode": "ENVELOPE_DOES_NOT_EXIST", "message": "m"}, errors.MissingError),
        ({"error": "not_found"}, errors.MissingError),
        ({"errorMessage": "No such user.", "referenceId": "r"}, errors.MissingError),
        ({"error": "Not Found", "status": 404, "path": "/things/1"}, errors.BadAnswerError),
        ({"message": "no Route matched with those values"}, errors.BadAnswerError),
        ({}, errors.BadAnswerError),
    ],
    ids=str,
)
def test_only_docusign_says_that_something_is_missing(client, target, wire_mock, body, expected):
    wire_mock.get(URL, status_code=404, json=body)
    with pytest.raises(expected):
        client.send(target, READ)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, errors.RefusedError),
        (401, errors.TokenRejectedError),
        (403, errors.PermissionLostError),
        (404, errors.MissingError),
        (418, errors.RefusedError),
    ],
)
@pytest.mark.parametrize("body", [{"errorCode": "NEW_ONE"}, {"errorMessage": "No."}], ids=str)
def test_of_a_word_of_docusign_s_that_nobody_knows_the_status_decides(
    *, client, target, wire_mock, status, expected, body
):
    wire_mock.get(URL, status_code=status, json=body)
    with pytest.raises(expected):
        client.send(target, READ)


@pytest.mark.parametrize("text", ["", "<html>sign in</html>", '{"error": "Not Authorized"}'])
@pytest.mark.parametrize(("status", "named"), [(401, "sign-in"), (403, "firewall")])
def test_a_page_of_a_proxy_is_no_lost_right(*, client, target, wire_mock, status, named, text):
    wire_mock.get(URL, status_code=status, text=text)
    with pytest.raises(errors.BadAnswerError, match=f"{named}.*service user"):
        client.send(target, READ)


def test_membership_of_the_service_user_is_told_from_that_of_others(client, target, wire_mock):
    body = {"errorCode": "USER_LACKS_MEMBERSHIP"}
    wire_mock.get(URL, status_code=403, json=body)
    with pytest.raises(errors.PermissionLostError):
        client.send(target, READ)
    wire_mock.get(URL, status_code=400, json=body)
    with pytest.raises(errors.MissingError):
        client.send(target, READ)


def test_unknown_certificate_authority_is_named(client, target, wire_mock):
    wire_mock.get(URL, exc=requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] x"))
    with pytest.raises(errors.CertificateRejectedError, match="ca_bundle"):
        client.send(target, READ)


def test_session_pools_connections_and_leaves_repetition_to_the_client():
    with pooled_session(DocusignSettings(pool_size=7)) as session:
        adapter = session.get_adapter("https://demo.docusign.net")
        assert isinstance(adapter, HTTPAdapter)
        assert adapter.poolmanager.connection_pool_kw["maxsize"] == 7
        assert adapter.max_retries.total == 0


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unreadable_certificate_bundle_is_a_configuration_error(tmp_path, content):
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(ConfigError, match=r"docusign\.ca_bundle"):
        pooled_session(DocusignSettings(ca_bundle=str(bundle)))


def answered(wire_mock, body):
    headers = {"X-DocuSign-TraceToken": "trace-1"}
    wire_mock.register_uri(mocking.ANY, URL, status_code=201, json=body, headers=headers)


@pytest.mark.parametrize("body", [{"message": "busy"}, {"things": None}, {"things": ["a"]}])
def test_a_read_without_its_list_says_what_came_with_its_trace_token(
    client, target, wire_mock, body
):
    answered(wire_mock, body)
    with pytest.raises(errors.BadAnswerError, match=r"lacks the list 'things'.*trace-1") as caught:
        listed(READ, client.send(target, READ), "things")
    assert (caught.value.status, caught.value.trace_token) == (201, "trace-1")


def test_a_write_without_its_list_may_have_taken_effect(client, target, wire_mock):
    answered(wire_mock, {"message": "busy"})
    with pytest.raises(errors.NoAnswerError, match=r"lacks the list.*read back.*trace-1") as caught:
        listed(write(), client.send(target, write()), "things")
    assert (caught.value.status, caught.value.trace_token) == (201, "trace-1")
