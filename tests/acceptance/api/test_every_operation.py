"""Every operation of the description: called, checked against its schema, with each role, from
another tenant, with ids of nobody."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from tests.acceptance.api.operations import ACTS, ORDER, READS, ROLES, call, described
from tests.programs import problem, stranger
from tests.visitors import ROOT, add_account

NOBODY = "00000000-0000-4000-8000-000000000000"


def check(answer, operation, document):
    """Hold an answer to the description: its status, its media type, its schema."""
    responses = operation["responses"]
    known = responses.get(str(answer.status_code)) or responses["default"]
    if "$ref" in known:
        known = document["components"]["responses"][known["$ref"].rpartition("/")[2]]
    content = known.get("content", {})
    kind = answer.content_type.partition(";")[0]
    assert kind in content or kind == "text/csv", (kind, list(content))
    if "json" in kind and kind != "application/jsonl":
        schema = {**content[kind]["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(answer.json)


def allows(needed, role):
    return needed in ("viewer", "own") or role == "administrator" or role in needed.split("|")


def test_the_tables_name_every_operation(lived):
    operations, _ = described(lived[0])
    assert set(operations) == {*READS, *ACTS}
    for name, (method, path, _) in operations.items():
        _, example, _ = {**READS, **ACTS}[name]
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", path)
        assert re.fullmatch(pattern, example), name
        assert (method == "get") is (name in READS)


@pytest.mark.parametrize("name", READS)
def test_everybody_with_a_role_reads_what_the_description_promises(lived, name):
    connector, people, ids = lived
    operations, document = described(connector)
    needed, path, query = READS[name]
    for role in ROLES:
        answer = call(people[role], "get", path, query, ids)
        answer.get_data()
        assert answer.status_code == (200 if allows(needed, role) else 403), answer.data[:300]
        check(answer, operations[name][2], document)


@pytest.mark.parametrize("name", ACTS)
def test_only_the_role_that_is_needed_acts(lived, name):
    connector, people, ids = lived
    operations, document = described(connector)
    needed, path, body = ACTS[name]
    for role in ROLES:
        if allows(needed, role):
            continue
        answer = call(people[role], "post", path, body, ids)
        assert answer.status_code == 403, (role, answer.json)
        check(answer, operations[name][2], document)


@pytest.mark.parametrize("name", [*READS, *ACTS])
def test_strangers_and_tokens_of_another_tenant_get_nothing(lived, name):
    connector, people, ids = lived
    connector.clock.advance(61)  # Guesses are counted for a minute.
    method = "get" if name in READS else "post"
    _, path, sent = {**READS, **ACTS}[name]
    problem(call(stranger(connector), method, path, sent, ids), 401, "unauthorized")
    foreign = replace(people["administrator"], base="/acme/api/v1")
    settings = connector.application.settings
    settings.tenants["acme"] = replace(settings.tenants["default"], name="acme")
    problem(call(foreign, method, path, sent, ids), 401, "unauthorized")


@pytest.mark.parametrize(
    "name", [name for name, (_, path, _) in {**READS, **ACTS}.items() if "{" in path]
)
def test_ids_of_another_tenant_or_of_nobody_are_not_found(lived, name):
    connector, _, ids = lived
    application = connector.application
    settings = application.settings
    settings.tenants["acme"] = replace(settings.tenants["default"], name="acme")
    if not application.console_accounts.list("acme"):
        add_account(connector, "zoe", "administrator", tenant="acme")
    _, token = application.personal_tokens.add("acme", "zoe", "t", ROOT)
    zoe = stranger(connector, token, "/acme/api/v1")
    root = lived[1]["administrator"]
    method = "get" if name in READS else "post"
    _, path, sent = {**READS, **ACTS}[name]
    problem(call(zoe, method, path, sent, ids), 404, "not-found")
    for forged in (NOBODY, "'--", "%00", "..%2F..", "é"):
        changed = re.sub(r"\{[^}]+\}", forged.replace("%", "%%"), path, count=1).replace("%%", "%")
        answer = call(root, method, changed, sent, ids)
        assert answer.status_code == 404, (forged, answer.json)


def test_an_act_that_knows_a_condition_holds_to_it(lived):
    connector, people, ids = lived
    known = 0
    for name, (_, _, operation) in described(connector)[0].items():
        names = [parameter.get("name") for parameter in operation.get("parameters", ())]
        if "If-Match" not in names:
            continue
        known += 1
        _, path, sent = ACTS[name]
        answer = call(people["administrator"], "post", path, sent, ids, if_match='"another"')
        problem(answer, 412, "changed-meanwhile")
    assert known > 15


@pytest.mark.parametrize("name", ORDER)
def test_an_act_answers_as_the_description_promises(lived, name):
    connector, people, ids = lived
    operations, document = described(connector)
    _, path, body = ACTS[name]
    answer = call(people["administrator"], "post", path, body, ids)
    assert answer.status_code in (200, 201, 202), answer.json
    check(answer, operations[name][2], document)
