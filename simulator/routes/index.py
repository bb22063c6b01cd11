"""``/``: what the simulator is and how to use it, for people."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, render_template_string, request

from simulator.simulator import current

blueprint = Blueprint("index", __name__)

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<title>DocuSign simulator</title><link rel="icon" href="data:,">
<style>body{font:16px/1.5 system-ui;max-width:70rem;margin:2rem auto;padding:0 1rem}
pre{background:#f4f4f4;padding:1rem;white-space:pre-wrap;overflow-wrap:anywhere}
td{padding:0 1rem 0 0}</style>
<h1>DocuSign simulator</h1>
<p>{{ state.organization.name }}: {{ state.accounts|length }} accounts,
{{ state.users|length }} users. Nothing here is real, and nothing leaves this machine.
It serves the authentication host (<code>/oauth</code>), the eSignature API
(<code>/restapi/v2.1</code>) and the Admin API (<code>/management</code>); what it does not model
answers 501.</p>
<h2>Try it</h2>
<pre># what a client needs, the private key included
curl {{ url }}/_simulator/connection
# everything, as tests see it; one user
curl {{ url }}/_simulator/state
curl {{ url }}/_simulator/users/{{ state.service_user_id }}

# what only people can do: the organization-administrator role
# (with buttons: {{ url }}/administrators)
curl -X PUT {{ url }}/_simulator/users/USER_ID/organization-admin
curl -X DELETE {{ url }}/_simulator/users/USER_ID/organization-admin
# who looks like one: invited, delegated, or foreign (of another organization)
curl -X PUT {{ url }}/_simulator/users/USER_ID/organization-admin/delegated
# a pending person accepts
curl -X POST {{ url }}/_simulator/users/USER_ID/activate
# a change behind everybody's back
curl -X PATCH {{ url }}/_simulator/accounts/{{ account.account_id }}/users/USER_ID \\
     -d '{"status": "Closed"}'

# the next two group changes lose their answer; every third call later is refused
curl {{ url }}/_simulator/faults \\
     -d '{"kind": "lose_answer", "method": "PUT", "path": "/groups/", "times": 2}'
curl {{ url }}/_simulator/faults \\
     -d '{"kind": "error", "path": "/restapi/", "nth": 3, "times": null, "status": 503}'
curl -X DELETE {{ url }}/_simulator/faults
# the customer's other integrations used up the hour; the next hour begins (a client that was
# told when the hour ends, as the connector is, waits until then all the same: by the clock it is
# the next full hour; a connector on a new database knows of nothing)
curl -X PUT {{ url }}/_simulator/limits -d '{"remaining": 0}'
curl -X POST {{ url }}/_simulator/hour
# consent is withdrawn
curl -X DELETE {{ url }}/_simulator/consent
# who agreed to what, with buttons to take it back: {{ url }}/connected-apps
# DocuSign behaves in another way
curl -X PUT {{ url }}/_simulator/variants -d '{"list_groups": false}'</pre>
<h2>Accounts</h2><table>{% for item in state.accounts.values() %}
<tr><td>{{ item.name }}<td><code>{{ item.account_id }}</code>
<td>{{ item.roster|length }} memberships, closed ones included
{% endfor %}</table>
<h2>Variants</h2><table>{% for name, value in variants.items() %}
<tr><td><code>{{ name }}</code><td><code>{{ value|tojson }}</code>{% endfor %}</table></html>
"""


@blueprint.get("/")
def index() -> str:
    """Show the page."""
    state = current().state
    return render_template_string(
        _PAGE,
        state=state,
        url=request.host_url.rstrip("/"),
        account=next(iter(state.accounts.values())),
        variants=asdict(state.variants),
    )
