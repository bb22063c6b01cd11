"""What the simulator does where DocuSign's documentation is silent or disagrees with itself.

Each field is one such fact. The defaults are what the evidence suggests; a test that must hold
either way runs with each value. The control API changes them while the simulator runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_type_hints

Reaction = Literal["done", "ignored", "refused"]
"""Carried out; answered as if, but without effect; answered with an error."""


@dataclass(frozen=True)
class Variants:
    """One way in which DocuSign may behave."""

    reopen_by_resend: bool = True
    """``PUT`` of a closed user with ``sendActivationEmail: send`` re-opens the membership."""
    reopen_by_status: bool = True
    """``PUT`` of a closed user with ``userStatus: Active`` re-opens the membership."""
    reopen_by_admin_profiles: bool = True
    """Admin ``users/profiles`` re-opens the memberships that it names."""
    reopened_status: Literal["ActivationSent", "Active"] = "ActivationSent"
    """Status of a membership re-opened through the eSignature API."""
    reopen_keeps_entitlements: bool = False
    """Whether profile and groups survive closing and re-opening when the request names none."""
    recreate_closed: Literal["new_user", "reopens"] = "new_user"
    """``POST`` with name and address of a closed user."""
    exists_error_has_user_id: bool = True
    """``USER_ALREADY_EXISTS_IN_ACCOUNT`` carries the id of the existing user."""
    created_status: Literal["ActivationSent", "ActivationRequired", "Active"] = "ActivationSent"
    """Status of a user created without automatic activation."""
    auto_activation: Literal["claimed_with_login", "always", "never"] = "claimed_with_login"
    """When ``auto_activate_memberships`` works: in claimed domains that force a login through an
    identity provider, for everybody, or for nobody."""
    list_groups: bool = True
    """User lists with ``additional_info`` carry ``groupList``."""
    list_profile_ids: Literal["right", "wrong", "absent"] = "right"
    """The profile id in user lists; the name beside it is always right."""
    list_repeats: int = 0
    """So many items of each page of a list come again on the next one; a list that repeats whole
    pages has no end. What a list counts stays right."""
    list_drops: int = 0
    """So many items between two pages of a list are on neither. What a list counts stays right."""
    closed_shows_profile: bool = True
    """A membership that is not active comes back with ``permissionProfileId``."""
    put_pending: Reaction = "done"
    """Updates of a user who has not activated yet."""
    put_closed: Reaction = "ignored"
    """Updates of a closed user that open nothing."""
    put_group_list: Literal["ignored", "added", "replaced"] = "ignored"
    """What ``groupList`` does in an update."""
    rename_by: Literal["both", "parts", "full"] = "both"
    """Which name fields an update obeys. With both, the parts win."""
    transfer_rules: bool = True
    """The accounts have the feature *Transfer Custody*, which envelope transfer rules need."""
    missing_transfer_rule: Literal["refused", "not_found"] = "refused"
    """Deleting a transfer rule that is not there: 400, or 404."""
    close_closed: Literal["done", "refused"] = "done"
    """``DELETE`` of a user who is closed already."""
    close_last_admin: Literal["refused", "done"] = "refused"
    """Closing the last active administrator of an account."""
    add_existing_group_member: Literal["done", "refused"] = "done"
    """Adding a user to a group that has them, and removing one that is not there."""
    group_change_maximum: int = 0
    """The most users in one change of a group; 0: any number."""
    duplicate_group_names: bool = False
    """An account can have several groups of one name."""
    limit_status: Literal[429, 400] = 429
    """HTTP status of an exceeded limit; DocuSign moved from 400 to 429 during 2026."""
    limit_headers: Literal["all", "esign", "none"] = "all"
    """Which answers carry the limits: those of both APIs, of the eSignature API, or none."""
    redaction_is_pending: bool = False
    """Data redaction answers ``pending`` first, and ``already_redacted`` when asked again."""
    admin_take_maximum: int = 250
    """Largest page of Admin lists; larger requests get this many."""
    admin_group_type: Literal["name", "number"] = "name"
    """How Admin answers write the type of a group."""
    admin_groups: Literal["replaced", "added"] = "replaced"
    """What ``groups`` does in an Admin update of a membership."""
    modified_since: Literal["time", "date"] = "time"
    """What ``last_modified_since`` obeys: the whole time, or only its date."""
    modified_by_groups: bool = True
    """Joining or leaving a group modifies the user."""
    modified_lag_s: int = 0
    """Seconds after which a modification shows in ``last_modified_since``."""
    monitor: Literal["bought", "forbidden", "missing"] = "bought"
    """The Monitor stream answers; or 403, or 404, where the organization has not bought it."""
    monitor_lag_s: int = 0
    """Seconds after which an event is in the stream."""
    monitor_repeats: bool = False
    """Each event comes twice."""
    monitor_shuffles: bool = False
    """The events of a page come in another order."""
    monitor_drops: int = 0
    """Every so manieth event is missing; 0: none."""
    monitor_forgets_cursors: bool = False
    """Cursors of earlier answers are refused; times are not."""
    invited_admin_flag: bool = False
    """``is_organization_admin`` of whoever was made one and has not accepted yet."""
    delegated_admin_flag: bool = False
    """``is_organization_admin`` of delegated administrators."""
    foreign_admin_flag: bool = False
    """``is_organization_admin`` of whoever administers another organization."""
    people_modified_within_days: int = 0
    """``users/profile`` shows only users modified in so many days; 0: all."""
    bare_refusals: bool = False
    """Whoever may not call is told so by 401 or 403 alone, without a body."""
    token_error_status: Literal[400, 401] = 400
    """HTTP status of a refused token."""
    broken_token_status: Literal[401, 500] = 401
    """HTTP status of userinfo where the token is of no use; it says ``internal_server_error``."""
    refresh_rotation: Literal["strict", "lenient"] = "strict"
    """Whether a refresh token that was used is worthless, or works again until it expires."""
    refresh_days: int = 30
    """How long a refresh token lives."""
    suspended: bool = False
    """Whether the accounts say that they are suspended."""
    stale_reads: int = 0
    """How many reads of a user still show the state before a change, within a second of it;
    DocuSign promises no read-after-write."""
    export_fails: Literal["", "failed", "truncated", "forgotten"] = ""
    """How an export goes wrong: it says so, its file ends half way, or it is not there any more."""
    export_shows_closed: bool = True
    """Exports have rows for closed memberships."""
    export_polls: int = 1
    """How often an export is asked for before it is complete."""

    def changed(self, changes: Mapping[str, Any]) -> Variants:
        """Return a copy with some fields changed.

        :raises ValueError: an unknown field or a value that it cannot have.
        """
        hints = get_type_hints(type(self))
        for name, value in changes.items():
            _check(name, value, hints)
        return replace(self, **changes)


def _check(name: str, value: Any, hints: Mapping[str, Any]) -> None:
    """Refuse what the field cannot hold."""
    if name not in hints:
        known = ", ".join(field.name for field in fields(Variants))
        raise ValueError(f"there is no variant {name!r}; there are: {known}")
    allowed = get_args(hints[name])
    if allowed and value not in allowed:
        raise ValueError(f"{name} can be {', '.join(map(repr, allowed))}, not {value!r}")
    if not allowed and type(value) is not hints[name]:
        raise ValueError(f"{name} is a {hints[name].__name__}, not {value!r}")
