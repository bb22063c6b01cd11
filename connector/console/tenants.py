"""Customers, for the operator of the installation: how they are, adding, changing, suspending."""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import yaml
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.config.yaml_reader import read_yaml
from connector.console.here import application, is_operator, principal
from connector.domain.tenants.forms import document_of
from connector.errors import ConfigError, ConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable

blueprint = Blueprint("tenants", __name__, url_prefix="/tenants")

P = ParamSpec("P")
R = TypeVar("R")


def _operators_only(view: Callable[P, R]) -> Callable[P, R]:
    """Let only administrators of the operator's own tenant in; for others there is no such page."""

    @wraps(view)
    def guarded(*arguments: P.args, **options: P.kwargs) -> R:
        if not is_operator():
            abort(404)
        return view(*arguments, **options)

    return guarded


@blueprint.get("")
@_operators_only
def every() -> str:
    """Show every customer, those whose connection is broken first."""
    return render_template("tenants.html", standings=application().overview())


@blueprint.get("/new")
@_operators_only
def new() -> str:
    """Show the form for a new customer."""
    return render_template("tenant_new.html", given={}, problems=[])


@blueprint.post("/new")
@_operators_only
def add() -> Any:
    """Add a customer, or tell everything that is wrong with what was given."""
    given, name = request.form, request.form.get("name", "").strip()
    try:
        document = document_of(given, _yaml(given.get("more", "")))
        application().tenancy.add(name, document, principal())
    except ConnectorError as error:
        page = render_template("tenant_new.html", given=given, problems=_problems(error))
        return page, 422
    flash(f"{name} is served. What is left to do stands below.", "good")
    return redirect(url_for("tenants.show", name=name), 303)


@blueprint.get("/tenant/<name>")
@_operators_only
def show(name: str) -> str:
    """Show one customer with the settings that were given."""
    return _page(name)


@blueprint.post("/tenant/<name>")
@_operators_only
def change(name: str) -> Any:
    """Give a customer other settings."""
    text = request.form.get("settings", "")
    try:
        revision = int(request.form.get("revision", "0"))
        application().tenancy.change(name, _yaml(text), principal(), revision=revision)
    except ConfigError as error:
        return _page(name, text, error.problems), 422
    except ValueError:
        abort(400)
    flash("The settings are changed; requests under way finish with those before.", "good")
    return redirect(url_for("tenants.show", name=name), 303)


@blueprint.post("/tenant/<name>/suspend")
@_operators_only
def suspend(name: str) -> BaseResponse:
    """Turn everybody away from a customer's connector."""
    application().tenancy.suspend(name, request.form.get("reason", "").strip(), principal())
    flash(f"{name} is suspended; its data stay.", "good")
    return redirect(url_for("tenants.show", name=name), 303)


@blueprint.post("/tenant/<name>/resume")
@_operators_only
def resume(name: str) -> BaseResponse:
    """Serve a customer again."""
    application().tenancy.resume(name, principal())
    flash(f"{name} is served again.", "good")
    return redirect(url_for("tenants.show", name=name), 303)


def _page(name: str, text: str | None = None, problems: Any = ()) -> str:
    entry = application().catalogue.get(name)
    standing = next((one for one in application().overview() if one.name == name), None)
    if text is None and entry.record is not None:
        shown = dict(application().tenancy.shown(entry.record))
        text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
    return render_template(
        "tenant.html",
        customer=entry,
        standing=standing,
        text=text or "",
        problems=problems,
        history=application().tenancy.history(name, 20),
    )


def _yaml(text: str) -> Mapping[str, Any]:
    data, problems = read_yaml(text)
    if problems:
        raise ConfigError(problems)
    return data


def _problems(error: ConnectorError) -> list[str]:
    return list(error.problems) if isinstance(error, ConfigError) else [str(error)]
