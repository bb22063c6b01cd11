"""What people call an account, with its id beside it and without."""

import pytest

from connector.domain.model import Account, Catalogue
from connector.domain.naming.names import Names, account_called, account_name
from connector.settings import AccountSettings

ALIASED = (AccountSettings("a1", alias="hr"), AccountSettings("a2"))


@pytest.mark.parametrize(
    ("account_id", "name", "bare", "called"),
    [
        ("a1", "", "hr", "hr (a1)"),
        ("a1", "Northwind HR", "hr", "hr (a1)"),
        ("a2", "Northwind", "Northwind", "Northwind (a2)"),
        ("a2", "", "", "a2"),
        ("gone", "", "", "gone"),
    ],
)
def test_an_alias_comes_before_the_name_and_the_name_before_the_id(account_id, name, bare, called):
    assert account_name(ALIASED, account_id, name) == bare
    assert account_called(ALIASED, account_id, name) == called


def test_a_name_that_ends_like_an_id_is_cut_by_nothing():
    catalogue = Catalogue(accounts={"a2": Account("a2", "Sales (a2)")})
    names = Names(catalogue, {}, ALIASED)
    assert names.account_name("a2") == "Sales (a2)"
    assert names.account("a2") == "Sales (a2) (a2)"
    assert names.account_name("gone") == names.account("gone") == "gone"
