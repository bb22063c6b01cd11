"""Declarative translation between SCIM and DocuSign: dict in, dict out.

Reads its own YAML and nothing else.
"""

from mappings.engine import attribute_giving, kept_attributes, to_directory, to_scim
from mappings.loader import MappingError, load_entitlements, load_user_mapping
from mappings.model import (
    CORE_USER,
    ENTERPRISE_USER,
    Approvers,
    EntitlementMapping,
    FieldMapping,
    Instructions,
    Meaning,
    Role,
    Source,
    UserMapping,
)

__all__ = [
    "CORE_USER",
    "ENTERPRISE_USER",
    "Approvers",
    "EntitlementMapping",
    "FieldMapping",
    "Instructions",
    "MappingError",
    "Meaning",
    "Role",
    "Source",
    "UserMapping",
    "attribute_giving",
    "kept_attributes",
    "load_entitlements",
    "load_user_mapping",
    "to_directory",
    "to_scim",
]
