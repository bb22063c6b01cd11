"""Requests that would cost much are refused, and so are ways around a scope."""

from connector.domain.authentication.api_clients import Scope
from tests.connector import refused


def test_a_list_of_thousands_of_values_is_refused(connector):
    user = connector.world.member().user
    values = [{"value": str(number)} for number in range(6000)]
    operation = {"op": "add", "path": "roles", "value": values}
    response = connector.patch(f"/Users/{user.user_id}", operation)
    assert "at most" in refused(response, 400, "invalidValue")


def test_a_filter_of_hundreds_of_terms_is_refused(connector):
    text = " or ".join(["entitlements pr"] * 430)
    assert "comparisons" in refused(
        connector.post("/Users/.search", {"filter": text}), 400, "invalidFilter"
    )


def test_the_scope_of_groups_does_not_reach_profiles_shown_as_groups(connect):
    connector = connect(scim={"show_as_groups": ("profiles", "roles")})
    scopes = frozenset({Scope.READ, Scope.WRITE_GROUPS})
    token = connector.client_token("groups-only", scopes=scopes)
    account = connector.world.account
    user = connector.world.member().user
    admin = next(item for item in account.profiles.values() if item.is_admin)
    body = {"Operations": [{"op": "add", "path": "members", "value": [{"value": user.user_id}]}]}
    for shown in (f"{account.account_id}.p{admin.profile_id}", "role.organization-admin"):
        refused(connector.send("PATCH", f"/Groups/{shown}", body, token=token), 403)
