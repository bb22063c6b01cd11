"""Mappings are checked as a whole, each problem with its path."""

import pytest

from mappings import MappingError, Meaning, load_entitlements, load_user_mapping

STEPS = {"grant": ["Give it."], "revoke": ["Take it."]}


def problems(load, *args):
    with pytest.raises(MappingError) as caught:
        load(*args)
    return caught.value.problems


def test_the_shipped_role_has_exact_steps_for_both_directions():
    role = load_entitlements().roles["organization-admin"]
    assert "{docusign_admin}" in role.instructions.grant[0]
    assert role.verification == "organization_admin"
    steps = role.instructions.steps("grant", {"full_name": "Ann", "email": "a@x.com"})
    assert any("Ann with the address a@x.com" in step for step in steps)
    assert role.instructions.revoke


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ({"fulfillment": "manual"}, "fulfillment: unknown setting; did you mean 'fulfilment'?"),
        (
            {"approvers": {"poeple": ["b"]}},
            "approvers.poeple: unknown setting; did you mean 'people'?",
        ),
        ({"Due_Days": 3}, "Due_Days: unknown setting; did you mean 'due_days'?"),
        ({"due_days": "soon"}, "due_days: must be a whole number"),
        ({"due_days": 0}, "due_days: must be at least 1"),
        ({"approvals_needed": 21}, "approvals_needed: must be at least 1 and at most 20"),
        ({"risk": "huge"}, "risk: must be one of low, medium, high, critical"),
        ({"owner": 5}, "owner: must be text; put it in quotes"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_in_our_words(rule, line):
    (told,) = problems(load_entitlements, {}, [{"match": "*", **rule}])
    assert told == f"entitlements[0].{line}"


def test_a_value_cannot_smuggle_in_a_format():
    role = load_entitlements().roles["organization-admin"]
    steps = role.instructions.steps("revoke", {"email": "{0.__class__}@x.com", "user_id": "u"})
    assert any("{0.__class__}@x.com" in step for step in steps)


def test_a_role_may_be_approved_before_its_task():
    auditor = {"display": "Auditor", "fulfilment": "approval", "instructions": STEPS}
    role = load_entitlements({"auditor": auditor}).roles["auditor"]
    assert (role.fulfilment, role.after_approval) == ("approval", "manual")


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"risk": "high"}, "entitlements[0].match"),
        ({"match": "*", "fulfilment": "sometimes"}, "entitlements[0].fulfilment"),
        ({"match": "*", "approvers": {"people": ["ann"]}}, "entitlements[0].fulfilment"),
        (
            {
                "match": "*",
                "fulfilment": "approval",
                "approvers": {"people": ["ann", "ANN"]},
                "approvals_needed": 2,
            },
            "entitlements[0].approvals_needed",
        ),
        (
            {"match": "*", "fulfilment": "approval", "on_expiry": "escalate"},
            "entitlements[0].on_expiry",
        ),
        ({"match": "*", "on_expiry": "approve"}, "entitlements[0].on_expiry"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(rule, path):
    (found,) = problems(load_entitlements, {}, [rule])
    assert found.startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("given", "approver", "requester"),
    [
        (False, False, False),
        (True, True, False),
        ("approver", True, False),
        ("requester", False, True),
        ("both", True, True),
    ],
)
def test_a_rule_says_who_has_to_give_a_reason(given, approver, requester):
    rule = {"match": "*", "fulfilment": "approval", "reason_required": given}
    meaning = load_entitlements(entitlements=[rule]).meaning("a1.1", "Sender")
    assert (meaning.approver_says_why, meaning.requester_says_why) == (approver, requester)


def test_nobody_else_gives_reasons():
    rule = {"match": "*", "fulfilment": "approval", "reason_required": "manager"}
    (found,) = problems(load_entitlements, {}, [rule])
    assert found.startswith("entitlements[0].reason_required: ")
    assert "requester" in found


def test_a_rule_may_be_for_one_account_and_kind():
    rule = {"kind": "group", "account": "Acme*", "fulfilment": "approval"}
    mapping = load_entitlements(entitlements=[rule])
    names = ("a1", "acme-eu")
    assert mapping.meaning("a1.g7", "Legal", kind="group", account=names).fulfilment == "approval"
    assert mapping.meaning("a1.7", "Legal", kind="profile", account=names) == Meaning()
    assert mapping.meaning("b2.g7", "Legal", kind="group", account=("b2",)) == Meaning()


def test_further_roles_are_declared_beside_ours():
    mapping = load_entitlements({"auditor": {"display": "Auditor", "instructions": STEPS}})
    assert set(mapping.roles) == {"organization-admin", "auditor"}
    assert mapping.roles["auditor"].fulfilment == "manual"


def test_a_role_of_ours_may_be_changed_in_part():
    mapping = load_entitlements({"organization-admin": {"owner": "it@x.com", "due_days": 2}})
    role = mapping.roles["organization-admin"]
    assert (role.owner, role.due_days) == ("it@x.com", 2)
    assert role.instructions.grant


def test_every_problem_is_told_with_its_path():
    found = problems(
        load_entitlements,
        {"Bad Id": {"display": "x", "instructions": STEPS}, "b": {"due_days": 0, "risk": "huge"}},
    )
    paths = {line.split(":")[0] for line in found}
    assert {"roles.Bad Id", "roles.b.due_days", "roles.b.risk", "roles.b.display"} <= paths


def test_unknown_placeholders_are_named():
    found = problems(
        load_entitlements,
        {"b": {"display": "B", "instructions": STEPS | {"grant": ["Call {phone}."]}}},
    )
    assert "unknown {phone}" in found[0]


def test_steps_are_needed_for_both_directions():
    found = problems(load_entitlements, {"b": {"display": "B", "instructions": {"grant": ["x"]}}})
    assert found == ("roles.b.instructions: give the steps for both grant and revoke",)


def test_the_first_rule_that_matches_id_or_name_counts():
    mapping = load_entitlements(
        entitlements=[{"match": "acc.7", "risk": "critical"}, {"match": "*sender*", "owner": "me"}]
    )
    assert mapping.meaning("acc.7", "DocuSign Sender").risk == "critical"
    assert mapping.meaning("acc.8", "DocuSign Sender").owner == "me"
    assert mapping.meaning("acc.9", "Account Administrator").risk == "high"
    assert mapping.meaning("acc.9", "Viewer").fulfilment == "automatic"


def test_a_field_may_be_replaced_or_removed_by_a_tenant():
    lower = {"sources": [{"attribute": "userName", "to_directory": ["lower_email"]}]}
    mapping = load_user_mapping({"fields": {"email": lower, "job_title": None}})
    by_name = {field.name: field for field in mapping.fields}
    assert by_name["email"].sources[0].to_directory == ("lower_email",)
    assert "job_title" not in by_name


def test_unknown_fields_and_transforms_are_named():
    found = problems(
        load_user_mapping,
        {"fields": {"emial": {"sources": [{"attribute": "x", "to_directory": ["shout"]}]}}},
    )
    assert any(line.startswith("fields.emial: must be one of email") for line in found)
    assert any("unknown transform 'shout'" in line for line in found)


def test_a_source_is_an_attribute_or_made_of_fields():
    found = problems(load_user_mapping, {"fields": {"company": {"sources": [{}]}}})
    assert found == ("fields.company.sources[0]: give either 'attribute' or 'from_fields'",)
