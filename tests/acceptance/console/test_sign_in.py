"""The way into the console: who gets in, what a session is worth, and what forged forms get."""

from __future__ import annotations

import pytest

from connector.console.app import create_console
from connector.domain.authentication.console import ConsoleRole
from connector.settings import AuthenticationSettings
from tests.visitors import PASSWORD, ROOT, Visitor, add_account, signed_in, visitor

COOKIE = "__Secure-console"


def test_without_a_session_every_page_leads_to_the_sign_in_and_back(connector):
    add_account(connector, "ann", "viewer")
    stranger = visitor(connector)
    sent = stranger.get("/users?q=ma")
    assert sent.status_code == 302
    assert sent.location == "/console/sign-in?next=/users?q%3Dma"
    entered = stranger.sign_in("ann", next="/users?q=ma")
    assert (entered.status_code, entered.location) == (303, "/console/users?q=ma")
    assert stranger.get("/users").status_code == 200


@pytest.mark.parametrize("path", ["/", "/users", "/accounts", "/audit/export.csv", "/settings"])
def test_no_page_is_open_to_strangers(connector, path):
    assert visitor(connector).get(path).status_code == 302


def test_every_route_but_the_door_is_closed_to_strangers(connector):
    """A page that somebody adds later is closed too."""
    stranger = visitor(connector)
    stranger.get("/sign-in")
    console = create_console(connector.application)
    for rule in console.url_map.iter_rules():
        if rule.endpoint in {"static", "sign_in.form", "sign_in.enter", "sign_in.leave"}:
            continue
        if rule.endpoint.startswith("oidc."):
            continue
        path = rule.build(dict.fromkeys(rule.arguments, "1"))[1]
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        with console.test_request_context():
            answer = stranger.http.open(f"/console{path}", method=method)
        assert answer.status_code in {302, 400}, rule
        if answer.status_code == 302:
            assert "/sign-in" in answer.location


def test_a_wrong_password_says_what_to_do_and_keeps_the_login(connector):
    add_account(connector, "ann", "viewer")
    stranger = visitor(connector)
    refused = stranger.sign_in("ann", "wrong")
    text = refused.get_data(as_text=True)
    assert refused.status_code == 403
    assert "do not go together" in text and 'value="ann"' in text
    assert stranger.get("/").status_code == 302


def test_too_many_wrong_passwords_are_429(connector):
    add_account(connector, "ann", "viewer")
    stranger = visitor(connector)
    for _ in range(5):
        stranger.sign_in("ann", "wrong")
    refused = stranger.sign_in("ann")
    assert refused.status_code == 429
    assert "15 minutes" in refused.get_data(as_text=True)


def test_behind_a_known_proxy_each_address_is_counted_for_itself(connect):
    proxies = AuthenticationSettings(trusted_proxies=("127.0.0.0/8", "10.0.0.0/8"))
    connector = connect(authentication=proxies)
    add_account(connector, "ann", "viewer")
    near, far = visitor(connector), visitor(connector)

    def enter(who, password, route):
        data = {"csrf_token": who.token("/sign-in"), "login": "ann", "password": password}
        headers = {"X-Forwarded-For": route}
        proxy = {"REMOTE_ADDR": "127.0.0.1"}
        answer = who.http.post("/console/sign-in", data=data, headers=headers, environ_base=proxy)
        return answer.status_code

    for number in range(5):
        # What the client itself claims stands first, and changes nothing.
        assert enter(far, "wrong", f"192.0.2.{number}, 203.0.113.9, 10.1.1.1") == 403
    assert enter(far, PASSWORD, "192.0.2.77, 203.0.113.9, 10.1.1.1") == 429
    assert enter(near, PASSWORD, "198.51.100.4, 10.1.1.1") == 303


def test_the_word_of_an_unknown_proxy_counts_for_nothing(connector):
    add_account(connector, "ann", "viewer")
    stranger = visitor(connector)
    statuses = []
    for number in range(6):
        data = {"csrf_token": stranger.token("/sign-in"), "login": "ann", "password": "wrong"}
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        statuses.append(
            stranger.http.post("/console/sign-in", data=data, headers=headers).status_code
        )
    assert statuses == [403] * 5 + [429]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/../acme/console/",
        "/%2e%2e/acme/console/",
        "/\r\nSet-Cookie: x=1",
        "users",
        "",
        "/" + "a" * 3000,
        "//[",
        "http://[",
        "//\u2100.com",
    ],
)
def test_nobody_is_sent_elsewhere(connector, target):
    add_account(connector, "ann", "viewer")
    stranger = visitor(connector)
    assert stranger.sign_in("ann", next=target).location == "/console/"
    assert stranger.get(f"/sign-in?next={target.strip()}").status_code in {200, 302}


def test_a_session_given_beforehand_is_worth_nothing_afterwards(connector):
    add_account(connector, "ann", "viewer")
    victim, attacker = visitor(connector), visitor(connector)
    attacker.get("/sign-in")
    planted = attacker.http.get_cookie(COOKIE, path="/console").value
    victim.http.set_cookie(COOKIE, planted, path="/console")
    victim.sign_in("ann")
    assert victim.http.get_cookie(COOKIE, path="/console").value != planted
    assert victim.get("/").status_code == 200
    assert attacker.get("/").status_code == 302


def test_a_copied_cookie_ends_with_the_sign_out(connector):
    ann = signed_in(connector, "viewer")
    thief = visitor(connector)
    thief.http.set_cookie(
        COOKIE, ann.http.get_cookie(COOKIE, path="/console").value, path="/console"
    )
    assert thief.get("/").status_code == 200
    assert ann.post("/sign-out").status_code == 303
    assert [ann.get("/").status_code, thief.get("/").status_code] == [302, 302]


def test_a_disabled_person_is_out_at_the_next_click(connector):
    ann = signed_in(connector, "viewer")
    connector.application.console_accounts.disable("default", "ann", ROOT)
    assert ann.get("/").status_code == 302


def test_a_session_that_is_not_used_ends(connector):
    ann = signed_in(connector, "viewer")
    connector.clock.advance(connector.application.settings.console.session_idle_s + 1)
    assert ann.get("/").status_code == 302
    htmx = ann.get("/users", **{"HX-Request": "true"})
    assert (htmx.status_code, htmx.headers["HX-Redirect"]) == (401, "/console/sign-in")


@pytest.mark.parametrize("token", [None, "", "forged", "IjEi.aaaa.bbbb"])
def test_a_form_without_the_session_s_token_changes_nothing(connector, token):
    ann = signed_in(connector, "viewer")
    data = {} if token is None else {"csrf_token": token}
    refused = ann.http.post("/console/sign-out", data=data)
    assert refused.status_code == 400
    assert "Nothing was changed" in refused.get_data(as_text=True)
    assert ann.get("/").status_code == 200


def test_a_form_with_somebody_else_s_token_changes_nothing(connector):
    ann, bob = signed_in(connector, "viewer"), signed_in(connector, "viewer", login="bob")
    refused = ann.http.post("/console/sign-out", data={"csrf_token": bob.token("/")})
    assert refused.status_code == 400
    assert ann.get("/").status_code == 200


def test_a_sign_in_form_without_a_token_is_refused(connector):
    add_account(connector, "ann", "viewer")
    refused = visitor(connector).http.post(
        "/console/sign-in", data={"login": "ann", "password": PASSWORD}
    )
    assert refused.status_code == 400


def test_pages_come_with_the_headers_that_keep_them_safe(connector):
    ann = signed_in(connector, "viewer")
    headers = ann.get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Strict-Transport-Security"]


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_other_paths(connector):
    cookie = visitor(connector).get("/sign-in").headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/console", "Secure"):
        assert part in cookie
    assert "Expires" not in cookie and "Max-Age" not in cookie


def test_scim_answers_have_neither_cookies_nor_the_console_s_headers(connector):
    headers = connector.get("/Users?count=1").headers
    assert "Set-Cookie" not in headers
    assert "Content-Security-Policy" not in headers


def test_a_role_taken_is_gone_at_the_next_click(connector):
    ann = signed_in(connector, "administrator")
    assert ann.get("/settings").status_code == 200
    connector.application.console_accounts.set_roles("default", "ann", [ConsoleRole.VIEWER], ROOT)
    assert ann.get("/settings").status_code == 403
    assert isinstance(ann, Visitor)


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/console", "/console/"),
        ("/console?view=all", "/console/?view=all"),
        ("/console/", "/console/sign-in"),
        ("/console/users//x", "/console/users/x"),
        ("/console/users", "/console/sign-in?next=/users"),
        ("/api/v1", "/api/v1/"),
        ("/api/v1/", "/api/v1/docs"),
        ("/scim//v2/Users", "/scim/v2/Users"),
    ],
)
def test_no_redirect_follows_a_false_host(connector, path, where):
    answer = visitor(connector).http.get(path, headers={"Host": "evil.example"})
    assert answer.status_code in (302, 303, 308)
    assert answer.headers["Location"] == where


def test_a_sign_in_under_a_false_host_stays_here(connector):
    add_account(connector, "ann", "viewer")
    who = visitor(connector)
    form = {"csrf_token": who.token("/sign-in"), "login": "ann", "password": PASSWORD}
    answer = who.http.post("/console/sign-in", data=form, headers={"Host": "evil.example"})
    assert answer.status_code in (303, 400)
    assert "evil" not in answer.headers.get("Location", "")
