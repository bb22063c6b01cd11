"""What the demo shows: where it is and lines that work when pasted."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console

from connector.domain.model import DirectoryGroup, Profile

NEW_ADDRESS = "ada.lovelace@northwind.example"

_FIRST_ID = "python3 -c 'import json,sys; print(json.load(sys.stdin)[0][\"id\"])'"
_Section = tuple[str, list[str]]
"""A title and the lines under it."""


@dataclass(frozen=True)
class Guide:
    """The facts that the lines are made of."""

    console: Console
    scim_url: str
    token: str
    simulator_url: str
    console_url: str
    console_login: str
    console_password: str
    config: str
    command: str
    """How to call ``docusign-iga`` from anywhere."""
    first: Profile
    second: Profile | None
    """None where the account has one profile only."""
    group: DirectoryGroup | None
    """None where the account has no group that can be changed."""
    guarded: Profile | None
    """A profile that waits for an approval, where the organization has one."""


def print_guide(guide: Guide) -> None:
    """Print addresses, token and examples; the lines are plain text, to be copied."""
    console = guide.console
    password = f"password {guide.console_password}"
    console.print()
    console.print("[bold]The connector is running.[/bold] Ctrl-C ends it.\n")
    for name, value in (
        ("SCIM base URL", guide.scim_url),
        ("Bearer token", guide.token),
        (
            "Console",
            f"{guide.console_url}  (login {guide.console_login}, {password})",
        ),
        ("Simulator", f"{guide.simulator_url}  (DocuSign's side; open it in a browser)"),
        ("Configuration", guide.config),
    ):
        console.print(f"  {name:<15} {value}", soft_wrap=True, markup=False, highlight=False)
    console.print("\nPaste these into another terminal, from top to bottom:\n")
    for title, lines in _sections(guide):
        console.print(f"[bold]# {title}[/bold]", soft_wrap=True, highlight=False)
        for line in lines:
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        console.print()


def _sections(guide: Guide) -> list[_Section]:
    return [
        *_looking(guide),
        *_provisioning(guide),
        *_approving(guide),
        *_administering(guide),
        *_leaving(guide),
    ]


def _looking(guide: Guide) -> list[_Section]:
    return [
        (
            "Where, as whom, and three shorthands",
            [
                # zsh takes lines with # for commands unless it is told.
                '[ -z "${ZSH_VERSION-}" ] || setopt interactivecomments',
                f"SCIM={guide.scim_url}; TOKEN={guide.token}",
                "export DOCUSIGN_IGA_CONFIG=" + guide.config,
                (
                    'scim() { curl -sS -H "Authorization: Bearer $TOKEN" '
                    '-H "Content-Type: application/scim+json" "$@"; }'
                ),
                (
                    'patch() { scim -X PATCH "$SCIM/$1" -d "{\\"Operations\\":[$2]}" '
                    "| python3 -m json.tool; }"
                ),
                f'iga() {{ "{guide.command}" "$@"; }}',
            ],
        ),
        (
            "List users, and what can be granted",
            [
                'scim "$SCIM/Users?count=2" | python3 -m json.tool',
                'scim "$SCIM/Entitlements?attributes=displayName" | python3 -m json.tool',
            ],
        ),
    ]


def _provisioning(guide: Guide) -> list[_Section]:
    first = guide.first
    new_user = (
        f'{{"userName":"{NEW_ADDRESS}","name":{{"givenName":"Ada","familyName":"Lovelace"}},'
        f'"externalId":"emp-1815","entitlements":[{{"value":"{first.scim_id}"}}]}}'
    )
    read_id = (
        'python3 -c \'import json,sys; a=json.load(sys.stdin); print(a.get("id") or a["detail"])\''
    )
    return [
        (
            f"Create somebody with the permission profile {first.name}",
            [f"ID=$(scim \"$SCIM/Users\" -d '{new_user}' | {read_id}); echo $ID"],
        ),
        (
            "Find them",
            [
                (
                    'scim -G "$SCIM/Users" --data-urlencode '
                    f"'filter=userName eq \"{NEW_ADDRESS}\"' | python3 -m json.tool"
                )
            ],
        ),
        *_moving(guide),
        *_drifting(guide),
    ]


def _moving(guide: Guide) -> list[_Section]:
    second, group = guide.second, guide.group
    sections: list[_Section] = []
    if second is not None:
        line = _patch("Users/$ID", "add", "entitlements", second.scim_id)
        sections.append((f"Move them to the profile {second.name}", [line]))
    if group is not None:
        line = (
            f'patch "Groups/{group.scim_id}?excludedAttributes=members" '
            '"{\\"op\\":\\"add\\",\\"path\\":\\"members\\",'
            '\\"value\\":[{\\"value\\":\\"$ID\\"}]}"'
        )
        sections.append((f"Add them to the group {group.name}", [line]))
    return sections


def _drifting(guide: Guide) -> list[_Section]:
    if guide.group is None:
        return []
    member = f"{guide.simulator_url}/_simulator/accounts/{guide.group.account_id}/users/$ID"
    return [
        (
            "Somebody takes them out again in DocuSign itself, here the simulator: drift",
            [
                f"curl -sS -X PATCH {member} -d '{{\"group_ids\":[]}}' -o /dev/null",
                "iga sync",
                'iga drift list --user "$ID"',
            ],
        ),
        (
            "Put it right. A policy can do that, or accept it, by itself",
            [
                f'FINDING=$(iga drift list --user "$ID" --json | {_FIRST_ID})',
                'iga drift revert $FINDING --reason "Nobody asked for the removal"',
                'scim "$SCIM/Users/$ID?attributes=groups" | python3 -m json.tool',
            ],
        ),
    ]


def _approving(guide: Guide) -> list[_Section]:
    if guide.guarded is None:
        return []
    its_text = "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"token\"])'"
    api = f"{guide.console_url.removesuffix('/console')}/api/v1"
    return [
        (
            f"Ask for the profile {guide.guarded.name}. The policy wants an approval: it waits",
            [
                _patch("Users/$ID", "add", "entitlements", guide.guarded.scim_id),
                "iga approvals list",
                f"APPROVAL=$(iga approvals list --json | {_FIRST_ID})",
                f'echo "In the console: {guide.console_url}/approvals/$APPROVAL"',
            ],
        ),
        (
            f"Look at it over the REST API, which {api}/docs describes",
            [
                (
                    f"API=$(iga console token add {guide.console_login} "
                    f'--name "the guide" --json | {its_text})'
                ),
                (
                    f'curl -sS -H "Authorization: Bearer $API" {api}/approvals/$APPROVAL '
                    "| python3 -m json.tool"
                ),
            ],
        ),
        (
            "Approve it: DocuSign is changed. Then ask who gave it and why",
            [
                (
                    f"echo {guide.console_password} | iga approvals approve $APPROVAL --as "
                    f'{guide.console_login} --password-stdin --comment "New head of the office"'
                ),
                'scim "$SCIM/Users/$ID?attributes=entitlements" | python3 -m json.tool',
                f'iga audit explain --user "$ID" --entitlement "{guide.guarded.scim_id}"',
            ],
        ),
    ]


def _administering(guide: Guide) -> list[_Section]:
    return [
        (
            "Ask for the organization-admin role. DocuSign lets only people grant it: a task opens",
            [
                _patch("Users/$ID", "add", "roles", "organization-admin"),
                "iga tasks list",
            ],
        ),
        (
            "Do it in DocuSign, here the simulator; the connector looks and closes the task",
            [
                (
                    f"curl -sS -X PUT {guide.simulator_url}/_simulator/users/$ID/organization-admin"
                    " | python3 -m json.tool"
                ),
                "iga tasks verify",
                'scim "$SCIM/Users/$ID?attributes=userName,roles" | python3 -m json.tool',
            ],
        ),
    ]


def _leaving(guide: Guide) -> list[_Section]:
    return [
        (
            "Ask what a change would do, without doing it",
            [_activate("Users/$ID?dryRun=true", "false")],
        ),
        (
            "Disable, and enable with profile and groups; what needs an approval waits for it anew",
            [
                _activate("Users/$ID", "false"),
                _activate("Users/$ID", "true"),
            ],
        ),
        (
            "Delete: closed in DocuSign, gone in SCIM. The role that people gave, people take",
            [
                'scim -X DELETE "$SCIM/Users/$ID" -w "%{http_code}\\n"',
                'scim "$SCIM/Users/$ID" | python3 -m json.tool',
                "iga tasks list",
            ],
        ),
    ]


def _patch(resource: str, op: str, path: str, value: str) -> str:
    return f'patch "{resource}" \'{{"op":"{op}","path":"{path}","value":[{{"value":"{value}"}}]}}\''


def _activate(resource: str, value: str) -> str:
    return f'patch "{resource}" \'{{"op":"replace","path":"active","value":{value}}}\''
