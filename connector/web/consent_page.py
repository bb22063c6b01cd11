"""Where DocuSign sends people back after they consented: says whether it worked, and what is next.

The page needs no sign-in: whoever accepts is often nobody of ours. It says nothing about a
customer, and a link's ``state`` is good for one answer.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from flask import Blueprint, Response, render_template_string, request

from connector.bootstrap import Application
from connector.errors import ConnectorError, TemporaryError
from connector.patience import take_place
from connector.services.consent.links import ConsentAnswer, Verdict

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }}</title>
<style>{{ style }}</style>
<main>
<h1>{{ title }}</h1>
<p>{% for part in text.split("`") -%}
{% if loop.index is odd %}{{ part }}{% else %}<code>{{ part }}</code>{% endif %}
{%- endfor %}</p>
{% if link %}
<p><a href="{{ link }}" rel="noreferrer" target="_top">Open a new link and try again</a></p>
{% endif %}
</main>
</html>
"""
_STYLE = (
    ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:34rem;margin:12vh auto;padding:0 1.25rem}"
    "h1{font-size:1.5rem;line-height:1.25}code{font-size:.9em;overflow-wrap:anywhere}"
)
"""Stands in the page: whoever was led here may reach nothing else of ours."""
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_WORDS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.GRANTED: (
        "Consent works",
        (
            "DocuSign gave the connector access. You can close this page. Administrators: "
            "changes that waited go on by themselves; a new connection goes on with "
            "`docusign-iga doctor` and `docusign-iga sync`."
        ),
    ),
    Verdict.PARTIAL: (
        "Consent covers a part",
        (
            "DocuSign gives access, but not to everything that was asked for. Open the link "
            "again and accept all of it."
        ),
    ),
    Verdict.INEFFECTIVE: (
        "Consent was given, and does not count",
        (
            "DocuSign still asks for consent. Either somebody else than the service user "
            "accepted, or the consent of an administrator does not cover that user: it covers"
            " users of claimed domains only. Sign in to DocuSign as the service user and open"
            " the link again."
        ),
    ),
    Verdict.FAILED: (
        "Consent is not what is missing",
        (
            "DocuSign still gives no access, for another reason. Administrators: "
            "`docusign-iga doctor` says which."
        ),
    ),
    Verdict.UNVERIFIED: (
        "DocuSign cannot be asked just now",
        (
            "Your answer counts all the same: DocuSign keeps it, and the connector looks by itself "
            "within a quarter of an hour. You can close this page. Administrators: "
            "`docusign-iga consent verify` looks at once."
        ),
    ),
    Verdict.REFUSED: (
        "Consent was declined",
        "Nothing was changed. Without consent the connector cannot work.",
    ),
    Verdict.UNKNOWN: (
        "This answer belongs to no link",
        (
            "The link was made for another customer, or by nobody here. Ask your "
            "administrator for a new one (`docusign-iga consent url`)."
        ),
    ),
    Verdict.REPLAYED: (
        "This link was answered before",
        "It is good for one answer. If consent was given then, nothing is left to do.",
    ),
    Verdict.CONNECTED: (
        "Connected",
        (
            "The connector works in DocuSign as the user who signed in just now. You can close "
            "this page. Administrators: the page Connection of the console shows the accounts."
        ),
    ),
    Verdict.NOT_CONNECTED: (
        "Not connected",
        (
            "Somebody else than the service user was signed in to DocuSign, or the answer came too "
            "late. Sign out of DocuSign, open the new link and sign in as the service user. "
            "Administrators: the audit says which it was."
        ),
    ),
    Verdict.INTERRUPTED: (
        "Not connected yet",
        (
            "You signed in, and then DocuSign did not answer the connector. Wait a minute, open "
            "the new link and sign in once more."
        ),
    ),
    Verdict.EXPIRED: (
        "This link has expired",
        "It is good for a week. Ask your administrator for a new one (`docusign-iga consent url`).",
    ),
}
_FOR_USERS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.GRANTED: (
        "Thank you, it works",
        (
            "Your company's applications can prepare and send documents in your name. You can "
            "close this page, and take your agreement back in DocuSign at any time."
        ),
    ),
    Verdict.INEFFECTIVE: (
        "Somebody else agreed",
        (
            "The link was made for another DocuSign user than the one who is signed in. Sign out "
            "of DocuSign, sign in as yourself and open the link again."
        ),
    ),
    Verdict.FAILED: (
        "It cannot work yet",
        (
            "You agreed, and DocuSign still gives no access, for another reason: is your DocuSign "
            "user active? Ask your administrator."
        ),
    ),
    Verdict.UNVERIFIED: (
        "DocuSign cannot be asked just now",
        "Your answer counts all the same: DocuSign keeps it. You can close this page.",
    ),
    Verdict.REFUSED: (
        "You declined",
        "Nothing was changed. Documents cannot be sent in your name by other applications.",
    ),
}
"""To somebody who agreed for themselves."""
_STATUS = dict.fromkeys(
    (Verdict.CONNECTED, Verdict.GRANTED, Verdict.PARTIAL, Verdict.INEFFECTIVE), 200
) | dict.fromkeys((Verdict.UNVERIFIED, Verdict.INTERRUPTED), 503)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_consent_blueprint(application: Application, name: str = "consent") -> Blueprint:
    """Return a blueprint with the callback, mounted at ``/consent`` for every tenant (the state
    says whose it is) and at ``/{tenant}/consent``."""
    blueprint = Blueprint(name, __name__)

    @blueprint.get("/callback")
    def callback(tenant: str) -> Response:
        try:
            answer = _answer(application, tenant)
        except TemporaryError:
            return _page("Try again in a minute", "The connector is busy.", status=503)
        except ConnectorError:
            answer = ConsentAnswer(Verdict.FAILED)
        words = _WORDS if answer.is_for_service_user else {**_WORDS, **_FOR_USERS}
        title, text = words[answer.verdict]
        return _page(title, text, answer.link, _STATUS.get(answer.verdict, 400))

    return blueprint


def _answer(application: Application, tenant: str) -> ConsentAnswer:
    state = request.args.get("state", "")
    named = state.partition(".")[0]
    entry = application.catalogue.find(named)
    if entry is None or not entry.is_active or tenant not in ("", named):
        return ConsentAnswer(Verdict.UNKNOWN)
    services = application.tenant(named)
    take_place()
    with application.acting(named, "consent"):
        return services.connecting.answer(
            state, request.args.get("code", ""), request.args.get("error", "")
        )


def _page(title: str, text: str, link: str = "", status: int = 200) -> Response:
    html = render_template_string(_PAGE, title=title, text=text, link=link, style=_STYLE)
    return Response(html, status, headers=_HEADERS, content_type="text/html; charset=utf-8")
