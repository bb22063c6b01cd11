"""What the names of accounts and profiles mean."""

import pytest

from connector.domain.model import Catalogue, Profile
from connector.domain.naming.account_book import AccountBook
from connector.errors import InvalidRequestError, PermanentError
from connector.settings import AccountSettings, ProvisioningSettings, TenantSettings


def book(*names, baseline="", default="", everywhere="DocuSign Viewer"):
    """Return account ``A`` (called ``main``) and ``B`` over profiles of these names in ``A``."""
    profiles = {("A", str(n)): Profile("A", str(n), name) for n, name in enumerate(names, 1)}
    settings = TenantSettings(
        accounts=(AccountSettings("A", "main", baseline), AccountSettings("B")),
        default_account=default,
        provisioning=ProvisioningSettings(baseline_profile=everywhere),
    )
    return AccountBook(settings, Catalogue(profiles=profiles))


@pytest.mark.parametrize("name", ["a", "A", "main"])
def test_account_goes_by_id_in_any_case_and_by_alias(name):
    assert book().resolve(name) == "A"


@pytest.mark.parametrize("name", ["C", "", "Main"])
def test_unknown_account_is_refused_with_those_there_are(name):
    with pytest.raises(InvalidRequestError, match="There are: main, B"):
        book().resolve(name)


@pytest.mark.parametrize(("default", "expected"), [("", "A"), ("B", "B"), ("main", "A")])
def test_default_account_is_the_named_one_or_the_first(default, expected):
    assert book(default=default).default_account == expected


def test_only_accounts_of_the_configuration_are_governed():
    assert [book().is_governed(name) for name in ("A", "B", "C")] == [True, True, False]


def test_unknown_entitlement_is_refused():
    with pytest.raises(InvalidRequestError, match=r"no entitlement A\.9"):
        book("Viewer").profile("A", "9")


@pytest.mark.parametrize("wanted", ["2", "Plain", "PLAIN"])
def test_baseline_goes_by_id_and_name(wanted):
    assert book("Other", "Plain", baseline=wanted).baseline("A").profile_id == "2"


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("DocuSign Viewer", "DS Viewer"),
        ("DS Viewer", "DocuSign Viewer"),
        ("ds sender", "DocuSign Sender"),
    ],
)
def test_built_in_profiles_go_by_either_generation_of_their_name(wanted, there):
    assert book("Other", there, baseline=wanted).baseline("A").profile_id == "2"


def test_account_without_a_baseline_takes_the_tenants():
    assert book("Other", "Plain", everywhere="Plain").baseline("A").profile_id == "2"


def test_missing_baseline_names_what_there_is():
    with pytest.raises(PermanentError, match="one of: Admin, Other"):
        book("Other", "Admin").baseline("A")


def test_baseline_of_an_account_not_yet_read_asks_for_a_sync():
    with pytest.raises(PermanentError, match="run a sync first"):
        book("DocuSign Viewer").baseline("B")


def test_id_of_a_profile_wins_over_the_name_of_another():
    assert book("2", "Plain", baseline="2").baseline("A").name == "Plain"


def test_a_missing_baseline_names_the_account():
    with pytest.raises(PermanentError, match=r"'DocuSign Viewer' of account main \(A\)"):
        book("Other").baseline("A")
