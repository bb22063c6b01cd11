"""DocuSign Admin's page *Administrators*: what only people can do, in a browser."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template_string, request
from werkzeug.wrappers import Response as BaseResponse

from simulator.simulator import current
from simulator.state import users

blueprint = Blueprint("administrators", __name__)

_PAGE = """<!doctype html><html lang="en"><title>Administrators</title>
<h1>Administrators of {{ organization }}</h1>
<p>No API makes or unmakes them: this page does.</p>
{% if problem %}<p role="alert">{{ problem }}</p>{% endif %}
<table><caption>Organization administrators</caption>
{% for user in found %}<tr><th scope="row">{{ user.user_name }}</th><td>{{ user.email }}</td><td>
<form method="post">
<button name="remove" value="{{ user.user_id }}">Remove {{ user.email }}</button></form></td></tr>
{% endfor %}</table>
<h2>Add Administrator</h2>
<form method="post"><p><label>E-mail address <input name="email" type="email" required></label></p>
<p><button>Add as organization administrator</button></p></form></html>"""


@blueprint.get("/administrators")
def administrators() -> Response:
    """Show the organization administrators."""
    return _page()


@blueprint.post("/administrators")
def change() -> BaseResponse:
    """Add one by address, or remove one."""
    state, email = current().state, request.form.get("email", "")
    with state.lock:
        removed = state.users.get(request.form.get("remove", ""))
        user = state.open_on_address(email) if email else removed
        if user is not None:
            users.set_organization_admin(state, user, value=bool(email))
    if user is None:
        return _page(f"Nobody in the organization has the address {email!r}.", 400)
    return redirect("/administrators", 303)


def _page(problem: str = "", status: int = 200) -> Response:
    state = current().state
    with state.lock:
        found = [user for user in state.users.values() if user.is_organization_admin]
        name = state.organization.name
        page = render_template_string(_PAGE, organization=name, found=found, problem=problem)
    return Response(page, status)
