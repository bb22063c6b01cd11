"""What the demo shows: where it is and lines that work when pasted."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from connector.domain.model import DirectoryGroup, Profile

NEW_ADDRESS = "ada.lovelace@northwind.example"


@dataclass(frozen=True)
class Guide:
    """The facts that the lines are made of."""

    console: Console
    scim_url: str
    token: str
    simulator_url: str
    config: str
    first: Profile
    second: Profile
    group: DirectoryGroup


def print_guide(guide: Guide) -> None:
    """Print addresses, token and examples; the lines are plain text, to be copied."""
    console = guide.console
    console.print()
    console.print("[bold]The connector is running.[/bold] Ctrl-C ends it.\n")
    console.print(f"  SCIM base URL   {guide.scim_url}")
    console.print(f"  Bearer token    {guide.token}")
    console.print(f"  Simulator       {guide.simulator_url}  (DocuSign's side, in a browser)")
    console.print(f"  Configuration   {guide.config}\n")
    console.print("Paste these into another terminal, from top to bottom:\n")
    for title, lines in _sections(guide):
        console.print(f"[bold]# {title}[/bold]", soft_wrap=True)
        for line in lines:
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        console.print()


def _sections(guide: Guide) -> list[tuple[str, list[str]]]:
    show = "| python3 -m json.tool"
    body = '-H "Content-Type: application/scim+json" -d'
    user = '"$SCIM/Users/$ID"'
    group = f'"$SCIM/Groups/{guide.group.scim_id}"'
    create = (
        '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],'
        f'"userName":"{NEW_ADDRESS}","name":{{"givenName":"Ada","familyName":"Lovelace"}},'
        f'"externalId":"emp-1815","entitlements":[{{"value":"{guide.first.scim_id}"}}]}}'
    )
    return [
        (
            "Where, and as whom",
            [
                f"export SCIM={guide.scim_url} TOKEN={guide.token}",
                'scim() { curl -sS -H "Authorization: Bearer $TOKEN" "$@"; }',
            ],
        ),
        ("List users, and what can be granted", [
            f'scim "$SCIM/Users?count=2" {show}',
            f'scim "$SCIM/Entitlements?attributes=displayName" {show}',
        ]),
        (f"Create somebody with the profile {guide.first.name}", [
            f"ID=$(scim {body} '{create}' \"$SCIM/Users\" "
            "| python3 -c 'import json,sys; print(json.load(sys.stdin)[\"id\"])'); echo $ID",
        ]),
        ("Find them", [
            f"scim -G \"$SCIM/Users\" --data-urlencode 'filter=userName eq \"{NEW_ADDRESS}\"' {show}",
        ]),
        (f"Move them to the profile {guide.second.name}", [
            f"scim -X PATCH {body} '{_patch('add', 'entitlements', guide.second.scim_id)}' {user} {show}",
        ]),
        (f"Add them to the group {guide.group.name}", [
            f"scim -X PATCH {body} '{{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],"
            "\"Operations\":[{\"op\":\"add\",\"path\":\"members\","
            f"\"value\":[{{\"value\":\"'$ID'\"}}]}}]}}' {group}?excludedAttributes=members {show}",
        ]),
        ("Ask for the organization-admin role: DocuSign lets only people grant it, so a task opens", [
            f"scim -X PATCH {body} '{_patch('add', 'roles', 'organization-admin')}' {user} {show}",
            f"docusign-iga tasks list --config {guide.config}",
        ]),
        ("Do the task in DocuSign (here: the simulator); the connector verifies it", [
            f"curl -sS -X PUT {guide.simulator_url}/_simulator/users/$ID/organization-admin",
            f"docusign-iga tasks verify --config {guide.config}",
            f'scim "$SCIM/Users/$ID?attributes=userName,roles" {show}',
        ]),
        ("Disable, enable, delete", [
            f"scim -X PATCH {body} '{_active('false')}' {user} {show}",
            f"scim -X PATCH {body} '{_active('true')}' {user} {show}",
            f"scim -X DELETE {user}; scim {user} {show}",
        ]),
        ("See what would be done, without doing it", [
            f"scim -X PATCH {body} '{_active('false')}' "
            f'"$SCIM/Users/$(scim "$SCIM/Users?count=1&startIndex=5" '
            "| python3 -c 'import json,sys; print(json.load(sys.stdin)[\"Resources\"][0][\"id\"])')"
            f'?dryRun=true" {show}',
        ]),
    ]


def _patch(op: str, path: str, value: str) -> str:
    return (
        '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":['
        f'{{"op":"{op}","path":"{path}","value":[{{"value":"{value}"}}]}}]}}'
    )


def _active(value: str) -> str:
    return (
        '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":['
        f'{{"op":"replace","path":"active","value":{value}}}]}}'
    )
