"""What the doctor can look at, and what it can find: symptom, cause and remedy, written once.

``docusign-iga doctor`` answers in these words, and ``docs/troubleshooting.md`` is made of them.
:mod:`connector.domain.diagnosis.symptoms` has the entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from connector.domain.writing import beside


class Result(StrEnum):
    """How a check ended, from good to bad."""

    OK = "ok"
    SKIPPED = "skipped"
    """Something that it needs failed, or is switched off."""
    WARNING = "warning"
    """It works, but not all of it, or not for long."""
    FAILED = "failed"


class Place(StrEnum):
    """Where a remedy is carried out: which link is shown beside it."""

    NOWHERE = ""
    CONSENT = "consent"
    """The link by which consent is given."""
    APPS_AND_KEYS = "apps_and_keys"
    """DocuSign: the integration key with its RSA key pairs and redirect URIs."""
    CONNECT = "connect"
    """The link by which the service user signs in (authorization code)."""
    ADMIN = "admin"
    """DocuSign Admin: accounts, users, organization."""


@dataclass(frozen=True)
class Problem:
    """Something that can be wrong with a connection."""

    code: str
    """Never changed once given: scripts compare it."""
    symptom: str
    """What people notice without the doctor."""
    cause: str
    remedy: str
    place: Place = Place.NOWHERE
    result: Result = Result.FAILED
    custom_remedy: str = ""
    """The remedy where `docusign.environment` is custom, if it is another there."""


@dataclass(frozen=True)
class Check:
    """One thing that the doctor looks at."""

    check_id: str
    title: str
    looks_at: str
    problems: tuple[Problem, ...]
    needs: tuple[str, ...] = ()
    """Checks that must not have failed before."""


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    check_id: str
    result: Result
    found: str
    """In words, with the values of this connection."""
    subject: str = ""
    """The account that it concerns; empty: the whole connection."""
    problem: Problem | None = None
    evidence: str = ""
    """DocuSign's own words, with what its support asks for."""
    link: str = ""
    subject_name: str = ""
    """What people call the account; empty where it has no name, and of what is no account."""

    @property
    def about(self) -> str:
        """The account by name, with its id beside it; empty: the whole connection."""
        return beside(self.subject_name, self.subject)


@dataclass(frozen=True)
class Diagnosis:
    """All findings about one tenant's connection, in the order of the checks."""

    tenant: str
    findings: tuple[Finding, ...]

    @property
    def result(self) -> Result:
        """The worst result; what was skipped does not count."""
        return worst(finding.result for finding in self.findings)


def worst(results: Iterable[Result]) -> Result:
    """Return ``failed`` before ``warning`` before ``ok``."""
    found = set(results)
    return next((item for item in (Result.FAILED, Result.WARNING) if item in found), Result.OK)
