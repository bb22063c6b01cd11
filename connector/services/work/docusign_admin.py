"""Where people go who do in DocuSign what no API does."""

from __future__ import annotations

from connector.domain.model import ORGANIZATION_ADMIN
from connector.domain.policy.entitlement_rules import ROLE, Ruling
from connector.services.context import TenantContext


def admin_in_words(context: TenantContext) -> str:
    """Return what instructions call DocuSign Admin, with its address where that is known."""
    where = f" ({context.docusign_admin})" if context.docusign_admin else ""
    return f"DocuSign Admin{where}"


def starting_link(context: TenantContext, ruling: Ruling) -> str | None:
    """Return the link to where a task is begun: the rule's own, or DocuSign Admin; None for a role
    of another system."""
    target = ruling.target
    is_docusigns = target.kind != ROLE or target.scim_id == ORGANIZATION_ADMIN
    return ruling.meaning.deep_link or (is_docusigns and context.docusign_admin) or None
