"""Administrators see who is signed in and end it, also for people of the identity provider."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.audit.events import AuditFilter
from connector.domain.authentication.console import ConsoleRole, SignInMethod
from connector.errors import ForbiddenError, NotFoundError
from connector.services.context import person
from tests.contract.store.test_console import SESSION
from tests.visitors import signed_in, visitor

PAGE = "/sessions"


def text(answer, status=200):
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def comes_by_the_provider(connector, login="Hugo@acme.test", **changes):
    """Let somebody of the identity provider be signed in."""
    now = connector.clock.now()
    session = replace(
        SESSION,
        session_hash=login,
        login=login,
        email="hugo@acme.test",
        method=SignInMethod.OIDC,
        last_seen_at=now,
        ends_at=now + timedelta(hours=9),
    )
    with connector.services.context.write() as uow:
        uow.console.add_session(replace(session, **changes))
        uow.commit()


def left(connector):
    return {one.login for one in connector.application.console_sessions.list("default")}


def test_an_administrator_ends_the_session_of_somebody_of_the_identity_provider(connector):
    comes_by_the_provider(connector)
    ann, root = signed_in(connector, "viewer"), signed_in(connector, "administrator", login="root")
    page = text(root.get(PAGE))
    assert "Hugo@acme.test" in page and "identity provider" in page and "(this session)" in page

    root.post(f"{PAGE}/end", page=PAGE, login="Hugo@acme.test")

    assert left(connector) == {"ann", "root"}
    assert "1 session of Hugo@acme.test ended" in text(root.get(PAGE))
    assert ann.get("/").status_code == 200
    with connector.services.context.read() as uow:
        (event,) = uow.audit.walk(AuditFilter(action="console.sessions_ended"))
    assert (event.actor, event.data["login"]) == ("user:root", "Hugo@acme.test")


def test_who_is_signed_out_so_is_out_at_the_next_click(connector):
    ann, root = signed_in(connector, "viewer"), signed_in(connector, "administrator", login="root")
    root.post(f"{PAGE}/end", page=PAGE, login="ann")
    assert ann.get("/users").status_code == 302


def test_the_page_is_for_administrators_alone(connector):
    ben = signed_in(connector, "operator", login="ben")
    assert ben.get(PAGE).status_code == 403
    assert "Who is signed in" not in text(ben.get("/"))
    assert ben.post(f"{PAGE}/end", page="/", login="ben").status_code == 403
    operator = person("ben", source="api", correlation_id="c", roles=(ConsoleRole.OPERATOR,))
    with pytest.raises(ForbiddenError):
        connector.application.console_sessions.end("default", "ben", operator)


@pytest.mark.parametrize("name", ["HUGO@acme.TEST", " hugo@acme.test "])
def test_somebody_is_named_by_login_or_address_in_any_case(connector, name):
    comes_by_the_provider(connector, "hugo-4711")
    root = person("r", source="cli", correlation_id="c", roles=(ConsoleRole.ADMINISTRATOR,))
    assert connector.application.console_sessions.end("default", name, root) == {"hugo-4711": 1}
    assert left(connector) == set()


def test_a_word_that_is_the_login_of_one_and_the_address_of_another_ends_and_records_both(
    connector,
):
    comes_by_the_provider(connector, "Hugo@acme.test", session_hash="1", email="h@acme.test")
    comes_by_the_provider(connector, "Hugo@acme.test", session_hash="2", email="h@acme.test")
    comes_by_the_provider(connector, "other", session_hash="3", email="hugo@acme.test")
    root = person("r", source="cli", correlation_id="c", roles=(ConsoleRole.ADMINISTRATOR,))
    ended = connector.application.console_sessions.end("default", "hugo@acme.test", root)
    assert ended == {"Hugo@acme.test": 2, "other": 1}
    with connector.services.context.read() as uow:
        events = list(uow.audit.walk(AuditFilter(action="console.sessions_ended")))
    told = {event.data["login"]: event.data["counts"]["sessions"] for event in events}
    assert told == ended


def test_the_line_of_one_person_signs_out_nobody_else(connector):
    comes_by_the_provider(connector, "Hugo@acme.test", session_hash="1", email="h@acme.test")
    comes_by_the_provider(connector, "other", session_hash="3", email="hugo@acme.test")
    root = signed_in(connector, "administrator", login="root")
    root.post(f"{PAGE}/end", page=PAGE, login="Hugo@acme.test")
    assert left(connector) == {"other", "root"}


def test_the_page_says_that_tokens_of_the_api_go_on(connector):
    page = text(signed_in(connector, "administrator", login="root").get(PAGE))
    assert "out of the console" in page and "tokens of the API go on" in page


@pytest.mark.parametrize("name", ["", "nobody"])
def test_nobody_of_that_name_is_an_error_that_says_where_to_look(connector, name):
    comes_by_the_provider(connector, email="")
    root = person("r", source="cli", correlation_id="c", roles=(ConsoleRole.ADMINISTRATOR,))
    with pytest.raises(NotFoundError, match="console session list"):
        connector.application.console_sessions.end("default", name, root)
    assert left(connector) == {"Hugo@acme.test"}


def test_what_is_over_is_not_shown(connector):
    now = connector.clock.now()
    comes_by_the_provider(connector, "ended", ends_at=now)
    comes_by_the_provider(connector, "idle", last_seen_at=now - timedelta(hours=2))
    assert left(connector) == set()
    assert visitor(connector).get(PAGE).status_code == 302
