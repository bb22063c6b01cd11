"""E-mail and webhooks with real servers on loopback, and receivers that hang or lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connector.domain.notifications import Message, Notice
from connector.errors import PermanentError, TemporaryError
from connector.notifications import ChannelNotifier
from connector.notifications.rendering import render
from connector.notifications.targets import Targets
from connector.settings import ChannelSettings, NotificationSettings, Secret, SmtpSettings
from tests.connector import ManualClock
from tests.receivers import mail_server, web_receiver

LOOPBACK = ("127.0.0.0/8",)
MESSAGE = Message(
    notice=Notice.TASK_OPENED,
    tenant="default",
    at=datetime(2026, 3, 1, 9, tzinfo=UTC),
    title='Task: Grant "X" to Zoë <zoe@example.com>',
    text="Only a person can do this.",
    facts=(("Asked by", "client:iga"), ("Comment", "<script>*bold*</script>")),
    steps=("Open DocuSign Admin.", "Press Grant."),
    link="https://iga.example.com/console/tasks/1",
    data={"work_item": "1"},
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate for ``localhost``, which is its own authority."""
    path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = path / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(Encoding.PEM))
    private = path / "key.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, str(pem)


def notifier(*, ca_bundle="", allowed=LOOPBACK, timeout_s=5.0, **smtp):
    settings = NotificationSettings(
        smtp=SmtpSettings(host="localhost", sender="IGA <iga@example.com>", **smtp),
        allowed_networks=allowed,
        timeout_s=timeout_s,
    )
    return ChannelNotifier(settings, ManualClock(), ca_bundle)


def mail(sender, recipient="ann@example.com"):
    sender.deliver(ChannelSettings("mail"), MESSAGE, "d1", recipient)


def hook(url, **more):
    more = {"secret": Secret("whsec_" + base64.b64encode(b"key").decode()), **more}
    return ChannelSettings("hook", "webhook", url=Secret(url), **more)


# ------------------------------------------------------------------------------ e-mail


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


# ------------------------------------------------------------------------------ webhooks


def test_a_webhook_is_signed_as_standard_webhooks_says():
    with web_receiver() as web:
        channel = hook(web.url(), authorization=Secret("Basic abc"))
        notifier().deliver(channel, MESSAGE, "d1", "")
    (got,) = web.received
    assert got.path == "/hook?key=1"
    assert got.headers["authorization"] == "Basic abc"
    stamp = got.headers["webhook-timestamp"]
    assert abs(int(stamp) - time.time()) < 60
    mac = hmac.new(b"key", f"d1.{stamp}.".encode() + got.body, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    body = json.loads(got.body)
    assert (body["type"], body["data"]["title"]) == ("task.opened", MESSAGE.title)


def test_the_certificate_has_to_be_that_of_the_name(authority):
    context, pem = authority
    with web_receiver(context) as web:
        notifier(ca_bundle=pem).deliver(hook(web.url("localhost", "https")), MESSAGE, "d1", "")
        with pytest.raises(TemporaryError):
            notifier(ca_bundle=pem).deliver(hook(web.url(scheme="https")), MESSAGE, "d1", "")
    assert len(web.received) == 1


@pytest.mark.parametrize(
    "status, error", [(500, TemporaryError), (404, TemporaryError), (410, PermanentError)]
)
def test_no_success_is_tried_again_unless_it_is_gone_for_good(status, error):
    with web_receiver() as web:
        web.status = status
        with pytest.raises(error, match=str(status)):
            notifier().deliver(hook(web.url()), MESSAGE, "d1", "")


def test_no_redirect_is_followed():
    with web_receiver() as inner, web_receiver() as web:

        def redirect(handler):
            handler.send_response(307)
            handler.send_header("Location", inner.url())
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        web.answer = redirect
        with pytest.raises(TemporaryError, match="307"):
            notifier().deliver(hook(web.url()), MESSAGE, "d1", "")
    assert inner.received == []


def _hang(handler):
    time.sleep(1.5)


def _drip(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(15):
        handler.wfile.write(f"X-{number}: y\r\n".encode())
        handler.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [_hang, _drip])
def test_a_receiver_that_hangs_or_drips_is_cut_off(answer):
    with web_receiver() as web:
        web.answer = answer
        started = time.monotonic()
        with pytest.raises(TemporaryError, match="did not take"):
            notifier(timeout_s=0.4).deliver(hook(web.url()), MESSAGE, "d1", "")
        assert time.monotonic() - started < 1.2


def test_little_is_read_of_an_endless_answer():
    sent = []

    def flood(handler):
        handler.send_response(500)
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"x" * 10_000)
            sent.append(1)

    with web_receiver() as web:
        web.answer = flood
        with pytest.raises(TemporaryError) as error:
            notifier().deliver(hook(web.url()), MESSAGE, "d1", "")
    assert len(str(error.value)) < 300
    assert len(sent) < 10_000


def _nonsense(handler):
    handler.wfile.write(b"\x00\xff nonsense\r\n\r\n")


def test_an_answer_that_is_no_http_is_temporary():
    with web_receiver() as web:
        web.answer = _nonsense
        with pytest.raises(TemporaryError):
            notifier().deliver(hook(web.url()), MESSAGE, "d1", "")


# ------------------------------------------------------------------------------ targets


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
        "[ff02::1]",
        "192.0.0.8",
        "[fec0::1]",
        "[64:ff9b:1::7f00:1]",
        "[3fff::1]",
        "[5f00::1]",
    ],
)
def test_no_address_inside_is_reached(host):
    with pytest.raises((PermanentError, TemporaryError)) as error:
        Targets(()).resolve(f"https://{host}/hook")
    if isinstance(error.value, PermanentError):
        assert "not public" in str(error.value)


def answering(monkeypatch, *addresses):
    asked = []

    def getaddrinfo(host, port, **_):
        asked.append(host)
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    return asked


def test_the_checked_address_is_the_one_that_is_connected_to(monkeypatch):
    asked = answering(monkeypatch, "93.184.215.14")
    target = Targets(()).resolve("https://hooks.example.com/x?y=1")
    assert (target.address, target.authority, target.path) == (
        "93.184.215.14",
        "hooks.example.com",
        "/x?y=1",
    )
    assert asked == ["hooks.example.com"]


def test_one_address_inside_spoils_a_name(monkeypatch):
    answering(monkeypatch, "93.184.215.14", "10.0.0.1")
    with pytest.raises(PermanentError, match="allowed_networks"):
        Targets(()).resolve("https://hooks.example.com/")


def test_a_named_network_may_be_reached_and_no_other(monkeypatch):
    answering(monkeypatch, "10.1.2.3")
    assert Targets(("10.1.2.0/24",)).resolve("http://jira.internal/").address == "10.1.2.3"
    with pytest.raises(PermanentError):
        Targets(("10.1.3.0/24",)).resolve("http://jira.internal/")


def test_nothing_goes_unencrypted_into_the_world(monkeypatch):
    answering(monkeypatch, "93.184.215.14")
    with pytest.raises(PermanentError, match="https"):
        Targets(()).resolve("http://hooks.example.com/")


@pytest.mark.parametrize(
    "url", ["ftp://x/", "file:///etc/passwd", "https://", "https://user@x/", "https://[x", "x"]
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(PermanentError):
        Targets(()).resolve(url)


# ------------------------------------------------------------------------------ templates


@pytest.mark.parametrize("template", ["standard", "servicenow", "jira", "slack", "teams"])
def test_every_template_makes_json_of_hostile_names(template):
    evil = '"}],"x":"\n</script>{{ 7*7 }}{noformat}<!channel>[a](https://evil)'
    message = replace(MESSAGE, title=evil, facts=((evil, evil),), steps=(evil,))
    options = {"project": "IAM", "assignment_group": evil}
    with web_receiver() as web:
        channel = hook(web.url(), template=template, options=options)
        notifier().deliver(channel, message, "d1", "")
    body = json.loads(web.received[0].body)
    text = json.dumps(body)
    assert message.link in text
    assert "49" not in text
    if template == "slack":
        assert "<!channel>" not in body["text"]
        assert "&lt;!channel&gt;" in body["text"]
    if template == "teams":
        assert "[a](https" not in json.dumps(body["attachments"][0]["content"]["body"][0]["text"])
    if template == "jira":
        assert body["fields"]["project"] == {"key": "IAM"}
        assert body["fields"]["description"].count("{noformat}") == 2
    if template == "servicenow":
        assert body["assignment_group"] == evil


@pytest.mark.parametrize(
    "reason", ["{noformat}x", "{nofor{noformat}mat}x", "{NoFormat:title=y}x", "{{noformat}}x"]
)
def test_a_reason_stays_within_the_block_of_jira(reason):
    message = replace(MESSAGE, text=reason, data={"work_item": "w1"})
    channel = ChannelSettings("j", "webhook", template="jira", options={"project": "IAM"})
    fields = json.loads(render(channel, message, "d1"))["fields"]
    text = fields["description"]
    assert len(re.findall(r"\{noformat", text, re.IGNORECASE)) == 2
    assert text.startswith("{noformat}\n")
    assert text.endswith("\n{noformat}")
    assert fields["labels"] == ["docusign-iga", "docusign-iga-w1"]


def test_messages_about_one_work_item_bear_its_id():
    channel = ChannelSettings("s", "webhook", template="servicenow")
    message = replace(MESSAGE, data={"work_item": "w1"})
    made = [json.loads(render(channel, message, delivery)) for delivery in ("d1", "d2")]
    assert [item["correlation_id"] for item in made] == ["w1", "w1"]
    assert json.loads(render(channel, replace(MESSAGE, data={}), "d3"))["correlation_id"] == "d3"


def test_jira_without_its_project_says_what_is_missing():
    with web_receiver() as web, pytest.raises(PermanentError, match="project"):
        notifier().deliver(hook(web.url(), template="jira"), MESSAGE, "d1", "")
