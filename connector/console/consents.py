"""Consent: the link to send, and whether it works now."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import application, may_try, principal, session, tenant
from connector.console.words import CONSENT_VERDICTS
from connector.domain.consent.links import Way
from connector.domain.diagnosis.symptoms import CHECKS
from connector.patience import take_place
from connector.services.consent.connecting import DEFAULT, chosen_account
from connector.services.consent.links import Verdict

blueprint = Blueprint("consents", __name__, url_prefix="/connection")


@blueprint.post("/link")
@may_try(lambda person: person.may_work)
def link() -> str:
    """Make a link that asks for exactly the scopes needed, and show it."""
    services = tenant()
    named = request.form.get("way", Way.INDIVIDUAL)
    if named not in list(Way):
        abort(400)
    way = Way(named)
    made = services.consent.link(way, made_by=session().actor)
    return render_template(
        "consent_link.html",
        way=way,
        link=made,
        scopes=sorted(services.consent.scopes),
        redirect_uri=services.consent.redirect_uri,
        integration_key=application().settings.docusign.integration_key,
    )


@blueprint.post("/examination")
@may_try(lambda person: person.may_work)
def examine() -> str:
    """Look at everything that the connection needs, now, and show what is missing."""
    take_place()
    diagnosis = tenant().doctor.examine()
    application().consent_watch.flush()
    titles = {check.check_id: check.title for check in CHECKS}
    return render_template("doctor.html", diagnosis=diagnosis, titles=titles)


@blueprint.post("/connect")
@may_try(lambda person: person.may_administer)
def connect() -> str:
    """Make the link by which the service user signs in, and show it."""
    services = tenant()
    return render_template(
        "consent_link.html",
        way="connect",
        link=services.connecting.begin(principal()),
        scopes=sorted(services.connecting.scopes),
        redirect_uri=services.consent.redirect_uri,
        integration_key=application().settings.docusign.integration_key,
    )


@blueprint.post("/account")
@may_try(lambda person: person.may_administer)
def account() -> BaseResponse:
    """Say which of the person's accounts the connection is for."""
    services = tenant()
    chosen = services.connecting.choose(request.form.get("account_id", DEFAULT), principal())
    account_id = chosen_account(chosen)
    if account_id in {item.account_id for item in services.settings.accounts}:
        flash("The connection is for this account now.", "good")
    else:
        flash(
            f"It is not governed yet. Enter it under this customer's accounts: {account_id}", "wait"
        )
    return redirect(url_for("runs.connection"), 303)


@blueprint.post("/verify")
@may_try(lambda person: person.may_work)
def verify() -> BaseResponse:
    """Request a token now, and say what came of it."""
    take_place()
    verdict, detail = tenant().consent.verify()
    application().consent_watch.flush()
    words = f"{CONSENT_VERDICTS[verdict]} {detail}".strip()
    flash(words, "good" if verdict is Verdict.GRANTED else "bad")
    return redirect(url_for("runs.connection"), 303)
