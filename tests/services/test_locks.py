"""Write locks when the database goes away while one is held."""

import pytest

from connector.errors import ConflictingWriteError, TemporaryError
from connector.services.locks import WriteLocks
from tests.connector import connected


@pytest.fixture
def context(tmp_path):
    connector = connected(tmp_path / "connector.db")
    yield connector.services.context
    connector.close()


def away(*_):
    raise TemporaryError("The database cannot be used just now.")


def test_a_lease_that_could_not_be_given_back_is_given_back_with_the_next(context, monkeypatch):
    locks = WriteLocks(context)
    with pytest.raises(TemporaryError), locks.hold(["user:ann"], wait_s=0):
        monkeypatch.setattr(context.store, "lease", away)
    monkeypatch.undo()
    with pytest.raises(ConflictingWriteError), WriteLocks(context).hold(["user:ann"], wait_s=0):
        pytest.fail("another process has to wait")
    with locks.hold(["user:bob"], wait_s=0):
        pass
    with WriteLocks(context).hold(["user:ann"], wait_s=0):
        pass
