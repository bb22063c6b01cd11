"""``meta.version`` is the same for every reader, process and start, and tells nobody more."""

from __future__ import annotations

from dataclasses import replace

from connector.app import create_app
from connector.bootstrap import build
from connector.services.mirror.version_key import version_key
from tests.connector import connected, ok


def test_versions_outlive_the_process(tmp_path):
    connector = connected(tmp_path / "c.db")
    user = connector.create("ann@partner.example", externalId="e-1")
    path, token = f"/Users/{user['id']}", connector.client_token("other")
    connector.application.close()
    settings = connector.application.settings
    started = build(settings, clock=connector.clock, session=connector.world.session())
    after = replace(connector, application=started, http=create_app(started).test_client())

    answer = after.send("GET", path, token=token)
    assert ok(answer)["meta"]["version"] == user["meta"]["version"]
    assert "externalId" not in ok(answer)
    assert after.get(path, if_none_match=answer.headers["ETag"]).status_code == 304
    after.close()


def test_every_tenant_and_every_database_has_a_secret_of_its_own(tmp_path):
    keys = []
    for name in ("a.db", "b.db"):
        connector = connected(tmp_path / name)
        keys.append(version_key(connector.services.context))
        assert version_key(connector.services.context) == keys[-1]
        connector.close()
    assert keys[0] != keys[1]
    assert all(len(key) == 32 for key in keys)
