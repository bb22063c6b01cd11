"""The checks of the doctor are complete, and the document is made of them."""

from pathlib import Path

import pytest

from connector.domain.consent.links import ADMIN_SCOPES, App, Way
from connector.domain.diagnosis.checks import Diagnosis, Finding, Result
from connector.domain.diagnosis.symptoms import BY_TROUBLE, CHECKS, PROBLEMS
from connector.domain.diagnosis.trouble import Trouble
from connector.domain.diagnosis.troubleshooting import render
from connector.services.doctor.doctor import _Visit

DOCUMENT = Path(__file__).parents[3] / "docs" / "troubleshooting.md"


def test_the_document_is_current():
    assert DOCUMENT.read_text() == render(), (
        "write it anew: python -c 'from connector.domain.diagnosis.troubleshooting import render; "
        'print(render(), end="")\' > docs/troubleshooting.md'
    )


def test_codes_are_given_once():
    codes = [problem.code for check in CHECKS for problem in check.problems]
    assert len(codes) == len(set(codes)) == len(PROBLEMS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.check_id)
def test_a_check_can_be_run_and_needs_earlier_ones(check):
    ids = [item.check_id for item in CHECKS]
    assert callable(getattr(_Visit, check.check_id))
    assert all(ids.index(name) < ids.index(check.check_id) for name in check.needs)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_a_problem_is_told_in_sentences(problem):
    for text in (problem.symptom, problem.cause, problem.remedy):
        assert text.endswith("."), text
        assert "|" not in text


def test_every_trouble_with_the_token_has_a_problem():
    told = {Trouble.REFUSED, Trouble.FEATURE_MISSING}
    assert set(BY_TROUBLE) | told == set(Trouble)
    assert set(BY_TROUBLE.values()) <= set(PROBLEMS)


def test_a_diagnosis_is_as_bad_as_its_worst_finding():
    findings = [Finding("a", result, "") for result in (Result.OK, Result.SKIPPED, Result.WARNING)]
    assert Diagnosis("default", tuple(findings)).result is Result.WARNING
    assert Diagnosis("default", (Finding("a", Result.SKIPPED, ""),)).result is Result.OK


# consent links ----------------------------------------------------------------

APP = App(
    "https://account-d.docusign.com", "https://admindemo.docusign.com", "ik", "https://a.b/c?d"
)


def test_the_individual_link_asks_for_the_scopes():
    assert APP.consent_url(Way.INDIVIDUAL, {"signature", "impersonation"}, "s t") == (
        "https://account-d.docusign.com/oauth/auth?response_type=code"
        "&scope=impersonation%20signature&client_id=ik&redirect_uri=https%3A%2F%2Fa.b%2Fc%3Fd"
        "&state=s%20t"
    )


def test_the_link_for_an_external_app_asks_in_the_name_of_the_organization():
    url = APP.consent_url(Way.EXTERNAL, ADMIN_SCOPES)
    assert "scope=openid&admin_consent_scope=domain_read%20" in url
    assert "prompt=login" in url
    assert "state" not in url


def test_an_app_of_the_organization_is_authorized_in_docusign_admin():
    assert APP.consent_url(Way.ORGANIZATION, ADMIN_SCOPES) == "https://admindemo.docusign.com"
