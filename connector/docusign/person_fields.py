"""What DocuSign calls the fields of a person."""

from __future__ import annotations

import re
from collections.abc import Mapping

FIELDS: Mapping[str, str] = {
    "email": "email",
    "user_name": "userName",
    "first_name": "firstName",
    "middle_name": "middleName",
    "last_name": "lastName",
    "suffix": "suffixName",
    "job_title": "jobTitle",
    "company": "company",
}
""":class:`~connector.domain.plan.Person` field to the eSignature API's member; the Admin API uses
our names."""
_OURS = {theirs.lower(): ours for ours, theirs in FIELDS.items()}
_OURS |= {name: name for name in FIELDS} | {"company_name": "company", "groupname": "group_name"}
_WORD = re.compile(r"\w+")


def fields_named(text: str) -> Mapping[str, str]:
    """Return by DocuSign's word the fields that a refusal speaks of, in our names.

    ``group_name``, the name of a group, is one of them.
    """
    found = ((word, _OURS.get(word.lower())) for word in _WORD.findall(text))
    return {word: name for word, name in found if name}
