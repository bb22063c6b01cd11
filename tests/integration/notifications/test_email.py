"""E-mail with a real server on loopback."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from connector.errors import PermanentError, TemporaryError
from connector.settings import ChannelSettings, Secret
from tests.integration.notifications.sending import MESSAGE, mail, notifier
from tests.receivers import mail_server


def test_an_email_arrives_over_starttls_with_a_password(authority):
    context, pem = authority
    with mail_server(context=context, password="s3cret") as box:
        credentials = {"user": "iga", "password": Secret("s3cret")}
        mail(notifier(port=box.port, ca_bundle=pem, **credentials))
    (envelope,) = box.messages
    assert box.secured == [True]
    assert envelope.rcpt_tos == ["ann@example.com"]
    parsed = message_from_bytes(envelope.content, policy=policy.default)
    assert parsed["Subject"] == MESSAGE.title
    assert parsed["Message-ID"] == "<d1@example.com>"
    text = parsed.get_content()
    assert "1. Open DocuSign Admin." in text
    assert MESSAGE.link in text
    assert "sign in" in text


def test_an_email_arrives_over_tls_from_the_beginning(authority):
    context, pem = authority
    with mail_server(context=context, implicit=True) as box:
        mail(notifier(port=box.port, security="tls", ca_bundle=pem))
    assert len(box.messages) == 1


def test_an_unknown_certificate_gets_no_mail(authority):
    with mail_server(context=authority[0]) as box, pytest.raises(TemporaryError, match="CERTIF"):
        mail(notifier(port=box.port))
    assert box.messages == []


def test_a_server_without_starttls_gets_no_mail():
    with mail_server() as box, pytest.raises(TemporaryError):
        mail(notifier(port=box.port))
    assert box.messages == []


def test_a_wrong_password_is_tried_again_later(authority):
    context, pem = authority
    with mail_server(context=context, password="s3cret") as box:
        wrong = {"user": "iga", "password": Secret("wrong")}
        with pytest.raises(TemporaryError):
            mail(notifier(port=box.port, ca_bundle=pem, **wrong))
    assert box.messages == []


@pytest.mark.parametrize(
    "answer, error", [("451 later", TemporaryError), ("550 no", PermanentError)]
)
def test_the_servers_answer_decides_whether_it_is_tried_again(answer, error):
    with mail_server() as box:
        box.answer = answer
        with pytest.raises(error, match=answer.split()[1]):
            mail(notifier(port=box.port, security="none"))


def test_a_mail_server_that_is_not_there_is_temporary():
    with pytest.raises(TemporaryError):
        mail(notifier(port=9, security="none"))


def test_a_line_break_in_a_name_makes_no_header():
    evil = replace(MESSAGE, title="x\nBcc: evil@example.com")
    with mail_server() as box, pytest.raises(PermanentError):
        notifier(port=box.port, security="none").deliver(
            ChannelSettings("mail"), evil, "d1", "ann@example.com"
        )
    assert box.messages == []
