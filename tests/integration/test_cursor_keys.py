"""Trouble with the database where a list is asked for."""

from __future__ import annotations

import sqlite3

import pytest

from connector.errors import TemporaryError
from connector.scim_handlers.cursor_keys import CursorKeys
from connector.settings import DatabaseSettings
from connector.store.engine import open_engine
from scim.errors import Unavailable
from tests.connector import connected


def test_a_key_that_cannot_be_read_is_a_matter_of_time(tmp_path, monkeypatch):
    connector = connected(tmp_path / "c.db")

    def busy(_keys, _tenant):
        raise TemporaryError("The database cannot be used just now.")

    monkeypatch.setattr(CursorKeys, "_read", busy)
    with pytest.raises(Unavailable):
        CursorKeys(connector.application).key("default")
    connector.close()


def test_a_client_does_not_learn_where_the_database_is(tmp_path):
    database = open_engine(DatabaseSettings(url=f"sqlite:///{tmp_path}/c.db"))
    error = sqlite3.OperationalError("unable to open database file")
    error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
    with pytest.raises(TemporaryError) as caught, database.reading():
        raise error
    assert str(tmp_path) not in str(caught.value)
    assert "unable to open" not in str(caught.value)
    database.close()
