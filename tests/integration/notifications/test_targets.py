"""Where webhooks may go."""

from __future__ import annotations

import pytest

from connector.errors import PermanentError, TemporaryError
from connector.notifications.targets import Targets


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
        "192.88.99.1",
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
