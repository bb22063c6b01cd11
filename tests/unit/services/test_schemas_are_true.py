"""What discovery says of resources is what they have."""

from dataclasses import replace

import orjson
import pytest

from connector.domain.ledger.plans import PlanRecord, PlanState
from connector.domain.ledger.resources import ClientAttributes
from connector.domain.work_items.items import WorkItemKind, WorkItemState
from connector.scim_handlers.schemas import ATTRIBUTE_SCHEMAS
from connector.services.mirror.presentation import DOCUSIGN_ENTITLEMENT, Presenter
from connector.settings import AccountSettings, TenantSettings
from mappings import ENTERPRISE_USER
from mappings.model import EntitlementRule
from tests.unit.services.rendering import (
    ACCOUNTS,
    ANN,
    CLERKS,
    KEY,
    LATER,
    MAPPING,
    NOW,
    POLICY,
    TIMES,
    VIEWER,
    document,
    render,
    task,
)


def everything():
    """A row of each kind with every attribute that can appear."""
    full = replace(
        ANN,
        middle_name="M.",
        suffix="Jr.",
        job_title="Clerk",
        is_organization_admin=True,
        organization_admin_verified_at=NOW,
    )
    manager = {"value": "u2", "$ref": "../Users/u2", "displayName": "Bo"}
    kept = {
        ENTERPRISE_USER: {
            "employeeNumber": "1",
            "costCenter": "2",
            "organization": "Acme",
            "division": "D",
            "department": "Sales",
            "manager": manager,
        }
    }
    role = replace(POLICY.roles["organization-admin"], owner="it@x.com")
    shown = Presenter(MAPPING, TenantSettings(), replace(POLICY, rules=(RULE,)), KEY)
    plan = PlanRecord("p", "User", "u1", "client:x", "scim", "c", PlanState.QUEUED, "", NOW, "join")
    attributes = ClientAttributes("User", "u1", kept=kept)
    yield render(
        full, attributes, open_items=[task()], queued=[plan], denied=[(denied_approval(), LATER)]
    )
    yield shown.group(CLERKS, ACCOUNTS["a1"], member_digest="", **TIMES)
    yield shown.entitlement(VIEWER, ACCOUNTS["a1"], **TIMES)
    yield shown.role(role, **TIMES)


def denied_approval():
    return replace(
        task(),
        state=WorkItemState.DENIED,
        kind=WorkItemKind.APPROVAL,
        closed_at=NOW,
        comment="No",
    )


RULE = EntitlementRule(match="*", owner="it@x.com")


@pytest.mark.parametrize("account", ["Acme", "a1", "head*"])
def test_an_entitlement_shows_the_rule_of_its_kind_and_account(account):
    rules = (
        EntitlementRule(match="*", kind="group", risk="low"),
        EntitlementRule(match="*", account="Beta", risk="medium"),
        EntitlementRule(match="*", kind="profile", account=account, risk="critical"),
    )
    settings = TenantSettings(accounts=(AccountSettings("a1", alias="headquarters"),))
    shown = Presenter(MAPPING, settings, replace(POLICY, rules=rules), KEY)
    row = shown.entitlement(VIEWER, ACCOUNTS["a1"], **TIMES)
    assert orjson.loads(row.document)[DOCUSIGN_ENTITLEMENT]["risk"] == "critical"


def undescribed(value, attributes, path=""):
    """Yield the paths of what no attribute describes, or describes with another shape."""
    known = {attribute.name: attribute for attribute in attributes}
    for name, inner in value.items():
        attribute = known.get(name)
        if attribute is None or isinstance(inner, list) is not attribute.multi_valued:
            yield f"{path}{name}"
            continue
        for element in inner if isinstance(inner, list) else [inner]:
            if isinstance(element, dict):
                yield from undescribed(element, attribute.sub_attributes, f"{path}{name}.")


@pytest.mark.parametrize("row", list(everything()), ids=lambda row: row.kind)
def test_the_schemas_describe_everything_that_is_rendered(row):
    described = ATTRIBUTE_SCHEMAS[row.kind]
    shown = document(row)
    for name in ("schemas", "id", "meta"):
        del shown[name]
    found = []
    for extension in described.extensions:
        found += undescribed(shown.pop(extension.id, {}), extension.attributes)
    found += undescribed(shown, described.schema.attributes)
    assert found == []
