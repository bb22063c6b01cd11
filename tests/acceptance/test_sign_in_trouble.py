"""Everything that can be wrong between the connector and DocuSign's sign-in, while it runs: each is
named wherever one looks, mended without a restart, and nothing secret is told anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.app import create_app
from connector.bootstrap import build
from connector.domain.consent.links import Way
from connector.domain.consent.state import ConsentState
from connector.settings import Secret
from simulator.state.keys import SCOPES
from simulator.state.model import Status
from tests.connector import PUBLIC_URL, Connector, ManualClock, _settings, connected
from tests.databases import new_sqlite
from tests.simulated import Simulated, simulated
from tests.visitors import ROOT


@pytest.fixture
def connector(tmp_path) -> Iterator[Connector]:
    clock = ManualClock()
    running = connected(tmp_path / "connector.db", world=simulated(50, now=clock.now), clock=clock)
    yield running
    running.close()


def application_of(world: Simulated) -> Any:
    return next(iter(world.state.applications.by_key.values()))


def revoke(world: Simulated) -> Callable[[], None]:
    world.app.extensions["simulator"].revoke_consent()

    def mend() -> None:
        application_of(world).consents[world.state.service_user_id] = set(SCOPES)

    return mend


def close_service_user(world: Simulated) -> Callable[[], None]:
    held = list(world.service_user.memberships.values())
    for membership in held:
        membership.status = Status.CLOSED

    def mend() -> None:
        for membership in held:
            membership.status = Status.ACTIVE

    return mend


def replace_key_pair(world: Simulated) -> Callable[[], None]:
    application = application_of(world)
    before = application.public_key_pem
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    application.public_key_pem = other.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()

    def mend() -> None:
        application.public_key_pem = before

    return mend


def delete_app(world: Simulated) -> Callable[[], None]:
    known = dict(world.state.applications.by_key)
    world.state.applications.by_key.clear()
    return lambda: world.state.applications.by_key.update(known)


def turn_clock(seconds: int) -> Callable[[Simulated], Callable[[], None]]:
    """DocuSign's clock against ours: what is wrong is ours, and it looks the same."""

    def spoil(world: Simulated) -> Callable[[], None]:

        real = world.state.now
        world.state.now = lambda: real() + timedelta(seconds=seconds)

        def mend() -> None:
            world.state.now = real

        return mend

    return spoil


@dataclass(frozen=True)
class Fault:
    spoil: Callable[[Simulated], Callable[[], None]]
    state: ConsentState
    cause: str
    words: str
    code: str
    """What the doctor calls it."""


FAULTS = {
    "consent revoked": Fault(
        revoke, ConsentState.MISSING, "consent_required", "Consent is missing", "consent_missing"
    ),
    "service user closed": Fault(
        close_service_user,
        ConsentState.REFUSED,
        "subject_unknown",
        "not an active user",
        "service_user_unknown",
    ),
    "key pair replaced": Fault(
        replace_key_pair,
        ConsentState.REFUSED,
        "key_rejected",
        "does not belong to the integration key",
        "key_rejected",
    ),
    "app deleted": Fault(
        delete_app,
        ConsentState.REFUSED,
        "issuer_unknown",
        "unknown or disabled",
        "integration_key_unknown",
    ),
    "clock behind": Fault(
        turn_clock(2 * 3600), ConsentState.REFUSED, "clock_skew", "clock is wrong", "clock_wrong"
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_it_is_named_everywhere_and_heals_without_a_restart(connector, name, capsys):
    fault, world = FAULTS[name], connector.world
    user_id = world.member().user.user_id
    title = {"op": "replace", "path": "title", "value": "Counsel"}
    connector.clock.advance(2 * 3600)
    mend = fault.spoil(world)

    refused = connector.patch(f"/Users/{user_id}", title)
    connector.application.consent_watch.flush()

    assert refused.status_code == 502
    assert fault.words in refused.json["detail"]
    record = connector.services.consents.connection()
    assert (record.state, record.cause) == (fault.state, fault.cause)
    readiness = connector.http.get("/readyz").json["checks"]["tenant default"]
    assert fault.words in readiness
    found = {
        item.problem.code for item in connector.services.doctor.examine().findings if item.problem
    }
    assert fault.code in found
    nothing_told(connector, capsys.readouterr().out, refused.text, readiness)

    mend()
    connector.clock.advance(60)
    assert connector.patch(f"/Users/{user_id}", title).status_code == 200
    connector.application.consent_watch.flush()
    assert connector.services.consents.connection().state is ConsentState.GRANTED
    assert connector.http.get("/readyz").status_code == 200


def diagnosed(connector: Connector) -> set[str]:
    """Return the codes of what the doctor finds."""
    findings = connector.services.doctor.examine().findings
    return {item.problem.code for item in findings if item.problem}


def nothing_told(connector: Connector, *texts: str) -> None:
    """Assert that neither these texts nor the audit have a key, a token or an assertion."""
    with connector.application.store.read("default") as uow:
        audit = orjson.dumps([dict(event.data) for event in uow.audit.walk()], default=str).decode()
    key = connector.application.settings.docusign.private_key.reveal().splitlines()[1]
    tokens = connector.world.state.applications._tokens
    for text in (*texts, audit):
        assert not re.search(r"eyJ[\w-]+\.eyJ", text), "a token or an assertion"
        for secret in (key, "PRIVATE KEY", *tokens):
            assert secret not in text, secret[:20]


def test_a_user_demoted_while_it_runs_is_named_with_the_account(connector):
    world = connector.world
    membership = world.account.members[world.state.service_user_id]
    membership.profile_id = world.account.default_profile_id
    connector.clock.advance(120)
    user_id = world.member().user.user_id
    title = {"op": "replace", "path": "title", "value": "Counsel"}
    refused = connector.patch(f"/Users/{user_id}", title)
    assert refused.status_code == 502
    assert "administrator profile" in refused.json["detail"]
    codes = {
        item.problem.code for item in connector.services.doctor.examine().findings if item.problem
    }
    assert codes & {"not_administrator", "delegated_administrator"}


# answers of browsers ----------------------------------------------------------


@pytest.fixture
def two(tmp_path) -> Iterator[Connector]:
    """Two customers of one connector."""
    clock = ManualClock()
    world = simulated(50, now=clock.now)
    application_of(world).redirect_uris.add(f"{PUBLIC_URL}/consent/callback")
    settings = _settings(world, new_sqlite(tmp_path / "connector.db"))
    default = settings.tenants["default"]
    tenants = {
        "default": replace(default, accounts=default.accounts[:1]),
        "acme": replace(default, name="acme", accounts=default.accounts[1:2]),
    }
    settings = replace(
        settings,
        tenants=tenants,
        database=replace(settings.database, encryption_key=Secret("k" * 40)),
        docusign=replace(settings.docusign, client_secret=Secret(world.details["client_secret"])),
    )
    application = build(settings, clock=clock, session=world.session())
    http = create_app(application).test_client()
    yield Connector(world, application, clock, http, "")
    application.close()


def accepted(connector: Connector, link: str) -> str:
    """Accept at DocuSign; return the path to which the browser comes back."""
    world = connector.world
    path = link.removeprefix(world.base_url)
    form = {"decision": "accept", "user_id": world.state.service_user_id}
    answer = world.app.test_client().post(path, data=form, base_url=world.base_url)
    return answer.headers["Location"].removeprefix(PUBLIC_URL)


def titled(page: Any) -> str:
    return re.search("<h1>(.*?)</h1>", page.text).group(1)


def test_an_answer_at_another_customers_callback_is_refused_and_not_used_up(two):
    back = accepted(two, two.application.tenant("acme").consent.link(Way.INDIVIDUAL))
    assert titled(two.http.get(f"/default{back}")) == "This answer belongs to no link"
    assert titled(two.http.get(f"/acme{back}")) == "Consent works"
    assert titled(two.http.get(f"/acme{back}")) == "This link was answered before"


def test_a_state_that_names_another_customer_finds_no_link(two):
    back = accepted(two, two.application.tenant("acme").consent.link(Way.INDIVIDUAL))
    forged = back.replace("state=acme.", "state=default.")
    assert titled(two.http.get(forged)) == "This answer belongs to no link"


def test_one_customers_lost_consent_is_not_anothers(two):
    two.application.tenant("default").consent.verify()
    revoke(two.world)
    two.application.tenant("acme").consent.verify()
    two.application.consent_watch.flush()
    assert two.application.tenant("acme").consents.connection().state is ConsentState.MISSING
    assert two.application.tenant("default").consents.connection().state is ConsentState.GRANTED


def test_two_browsers_with_one_answer_use_it_once(two):
    back = accepted(two, two.services.consent.link(Way.INDIVIDUAL))
    titles = sorted(titled(two.http.get(back)) for _ in range(3))
    assert titles == ["Consent works", *["This link was answered before"] * 2]


def test_neither_state_nor_code_nor_verifier_is_told(tmp_path, capsys):
    clock = ManualClock()
    world = simulated(50, now=clock.now)
    application_of(world).redirect_uris.add(f"{PUBLIC_URL}/consent/callback")
    settings = _settings(world, new_sqlite(tmp_path / "c.db"), grant="authorization_code")
    settings = replace(
        settings,
        database=replace(settings.database, encryption_key=Secret("k" * 40)),
        docusign=replace(settings.docusign, client_secret=Secret(world.details["client_secret"])),
    )
    application = build(settings, clock=clock, session=world.session())
    connector = Connector(world, application, clock, create_app(application).test_client(), "")
    back = accepted(connector, connector.services.connecting.begin(ROOT))
    assert titled(connector.http.get(back)) == "Connected"
    clock.advance(9 * 3600)
    connector.services.context.directory.list_accounts()
    with application.store.read("default") as uow:
        audit = orjson.dumps([dict(event.data) for event in uow.audit.walk()], default=str).decode()
    told = capsys.readouterr().out + audit
    code, state = (re.search(rf"{name}=([^&]+)", back).group(1) for name in ("code", "state"))
    known = world.state.applications
    secrets = (code, state, world.details["client_secret"], *known._tokens, *known._refresh_tokens)
    assert [secret for secret in secrets if secret in told] == []
    application.close()
