"""Consent: the link to send, and whether it works now."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import application, may_try, session, tenant
from connector.console.words import CONSENT_VERDICTS
from connector.domain.consent import Way
from connector.services.consent import Verdict

blueprint = Blueprint("consents", __name__, url_prefix="/connection")


@blueprint.post("/link")
@may_try(lambda person: person.may_work)
def link() -> str:
    """Make a link that asks for exactly the scopes needed, and show it."""
    services = tenant()
    way = Way(request.form.get("way", Way.INDIVIDUAL))
    made = services.consent.link(way, made_by=session().actor)
    return render_template(
        "consent_link.html",
        way=way,
        link=made,
        scopes=sorted(services.consent.scopes),
        redirect_uri=services.consent.redirect_uri,
        integration_key=application().settings.docusign.integration_key,
    )


@blueprint.post("/verify")
@may_try(lambda person: person.may_work)
def verify() -> BaseResponse:
    """Request a token now, and say what came of it."""
    verdict, detail = tenant().consent.verify()
    application().consent_watch.flush()
    words = f"{CONSENT_VERDICTS[verdict]} {detail}".strip()
    flash(words, "good" if verdict is Verdict.GRANTED else "bad")
    return redirect(url_for("runs.connection"), 303)
