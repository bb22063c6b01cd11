"""Accounts with their profiles and groups, and the roles that people give."""

from __future__ import annotations

from flask import Blueprint, render_template

from connector.console.here import tenant

blueprint = Blueprint("accounts", __name__, url_prefix="/accounts")


@blueprint.get("")
def every() -> str:
    """Show the accounts and the roles."""
    browser = tenant().browser
    return render_template("accounts.html", accounts=browser.accounts(), roles=browser.roles())


@blueprint.get("/<account_id>")
def show(account_id: str) -> str:
    """Show one account."""
    return render_template("account.html", detail=tenant().browser.account(account_id.lower()))
