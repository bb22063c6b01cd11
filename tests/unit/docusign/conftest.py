"""A DocuSign of prepared answers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import requests
import requests_mock as mocking
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.docusign.auth import Subject, TokenSource
from connector.docusign.client import ApiClient, Target
from connector.docusign.hosts import Hosts
from connector.docusign.limits import LimitGate
from connector.docusign.transport import Transport
from connector.domain.consent.links import ESIGN_SCOPES
from connector.settings import DocusignSettings, Secret
from tests.unit.docusign.calls import BASE, OAUTH

TOKEN = "canary-token-" + "t" * 40


class ManualClock:
    """Time that moves only when somebody sleeps, or a test says so."""

    def __init__(self):
        self.time = datetime(2026, 3, 1, 10, 20, tzinfo=UTC)
        self.sleeps = []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds):
        self.time += timedelta(seconds=seconds)


@pytest.fixture(scope="session")
def pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture
def settings(pem):
    return DocusignSettings(integration_key="ik", private_key=Secret(pem))


@pytest.fixture
def clock():
    return ManualClock()


class Watch:
    """The clock by which somebody waits for an answer; it moves when a test says so."""

    def __init__(self):
        self._now_s = 1000.0

    def monotonic(self):
        return self._now_s

    def advance(self, seconds):
        self._now_s += seconds


@pytest.fixture
def watch(monkeypatch):
    watch = Watch()
    monkeypatch.setattr("connector.patience.time", watch)
    return watch


class Chance:
    """What falls out is a *share* of the way from the least to the most; a test sets it."""

    def __init__(self):
        self.share = 0.5

    def uniform(self, least, most):
        return least + self.share * (most - least)


@pytest.fixture
def chance(monkeypatch):
    """By how much waits are spread."""
    chance = Chance()
    for module in ("limits", "client"):
        monkeypatch.setattr(f"connector.docusign.{module}.random", chance)
    return chance


@pytest.fixture
def subject():
    return Subject("00000000-0000-4000-8000-000000000001", ESIGN_SCOPES)


@pytest.fixture
def wire_mock():
    with mocking.Mocker() as mocker:
        mocker.post(OAUTH, json={"access_token": TOKEN, "expires_in": 3600})
        yield mocker


@pytest.fixture
def session():
    with requests.Session() as session:
        yield session


@pytest.fixture
def transport(settings, session):
    return Transport(settings, session)


@pytest.fixture
def tokens(settings, transport, clock):
    return TokenSource(settings, Hosts.of(settings), transport, clock)


@pytest.fixture
def client(settings, transport, tokens, clock):
    return ApiClient(settings, transport, tokens, LimitGate(clock), clock)


@pytest.fixture
def target(subject):
    return Target(BASE, subject, "account-1", "default")


def together(number, act):
    """Run an act in many threads that start at once; return the results."""
    barrier, results, lock = threading.Barrier(number), [], threading.Lock()

    def run():
        barrier.wait()
        try:
            result = act()
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            result = error
        with lock:
            results.append(result)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture(name="together")
def together_fixture():
    return together
