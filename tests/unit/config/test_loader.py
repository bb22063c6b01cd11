"""The configuration is checked as a whole: every problem at once, with its path and a remedy."""

import pytest

from connector.config import load_settings, masked, settings_from
from connector.errors import ConfigError
from connector.settings import Secret


def problems(data, **options):
    with pytest.raises(ConfigError) as caught:
        settings_from(data, environment={}, **options)
    return caught.value.problems


def test_what_is_left_out_has_its_default(data):
    settings = settings_from(data)
    assert settings.server.port == 8080
    assert settings.tenants["default"].name == "default"
    assert settings.tenants["default"].accounts[0].alias == "main"


def test_no_wait_outlasts_the_lease_of_a_write(data):
    data["docusign"] |= {"connect_timeout_s": 31, "read_timeout_s": 46}
    data["tenants"]["default"]["provisioning"] = {"wait_s": 46}
    assert problems(data) == (
        "docusign.connect_timeout_s: must be at least 0.1 and at most 30, not 31",
        "docusign.read_timeout_s: must be at least 0.1 and at most 45, not 46",
        "tenants.default.provisioning.wait_s: must be at least 5 and at most 45, not 46",
    )


def test_no_wait_is_shorter_than_what_is_waited_for(data):
    data["tenants"]["default"]["provisioning"] = {"wait_s": 4}
    assert problems(data) == (
        "tenants.default.provisioning.wait_s: must be at least 5 and at most 45, not 4",
    )


def test_all_problems_are_told_at_once(data):
    data["server"] = {"port": "many", "prot": 1}
    data["jobs"] = 3
    data["tenants"]["default"]["guards"] = {"max_affected_pct": 200, "protect_last_admin": 1}
    data["tenants"]["default"]["accounts"].append({"account_id": "X"})
    data["tenants"]["default"]["default_account"] = "mian"
    assert problems(data) == (
        "jobs: must be a section with settings below it",
        "server.port: must be a whole number",
        "server.prot: unknown setting; did you mean 'port'?",
        (
            "tenants.default.accounts[1].account_id: must be a GUID in lower case, such as "
            "6f0e2ba4-9d3a-4c0f-8a3e-0d1f6e5b7c21, not 'X'"
        ),
        (
            "tenants.default.default_account: no account has the id or alias 'mian'; "
            "did you mean 'main'?"
        ),
        "tenants.default.guards.max_affected_pct: must be at least 0 and at most 100, not 200",
        "tenants.default.guards.protect_last_admin: must be true or false",
    )


def test_what_must_be_given_is_asked_for():
    found = problems({"docusign": {}, "tenants": {"default": {}}})
    assert set(found) == {
        "docusign.integration_key: must be given",
        "docusign.private_key: must be given, or private_key_file",
        "tenants.default.user_id: must be given",
        "tenants.default.accounts: must be given",
    }


def test_a_wrong_choice_names_the_choices_and_the_nearest(data):
    data["logging"] = {"level": "warn"}
    assert problems(data) == (
        (
            "logging.level: must be one of debug, info, warning, error, not 'warn'; "
            "did you mean 'warning'?"
        ),
    )


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"url": "sqlite://"}, "database.url: a database in memory"),
        ({"url": "mysql://x/y"}, "database.url: 'mysql' is not one of"),
        ({"url": "nonsense"}, "database.url: is not a database URL"),
        ({"password": "x"}, "database.password: SQLite has no password"),
    ],
)
def test_the_database_fits_the_program(data, section, expected):
    data["database"] = section
    assert problems(data)[0].startswith(expected)


def test_an_account_belongs_to_one_tenant(data):
    data["tenants"]["other"] = dict(data["tenants"]["default"])
    assert problems(data) == (
        (
            "tenants.other.accounts[0]: is account 00000000-0000-4000-8000-0000000000a1, which "
            "stands at tenants.default.accounts[0] already"
        ),
    )


def test_an_account_that_is_wrong_and_repeated_is_told_as_both(data):
    other = {**data["tenants"]["default"], "accounts": [{"account_id": "x-1"}]}
    data["tenants"]["default"]["accounts"] = [{"account_id": "X-1"}, {"account_id": "X-1"}]
    data["tenants"]["other"] = other

    found = [line.partition(", such as")[0] for line in problems(data)]

    assert found == [
        "tenants.default.accounts[0].account_id: must be a GUID in lower case",
        "tenants.default.accounts[1].account_id: must be a GUID in lower case",
        (
            "tenants.default.accounts[1]: is account X-1, which stands at "
            "tenants.default.accounts[0] already"
        ),
        "tenants.other.accounts[0].account_id: must be a GUID in lower case",
        (
            "tenants.other.accounts[0]: is account x-1, which stands at "
            "tenants.default.accounts[0] already"
        ),
    ]


def test_every_account_has_a_baseline(data):
    data["tenants"]["default"]["provisioning"] = {"baseline_profile": ""}
    assert problems(data)[0].startswith("tenants.default.accounts[0].baseline_profile: must be")


def test_a_custom_environment_needs_its_addresses(data):
    data["docusign"]["environment"] = "custom"
    assert [line.split(":")[0] for line in problems(data)] == [
        "docusign.admin_url",
        "docusign.jwt_audience",
        "docusign.oauth_url",
    ]


def test_a_tenants_name_fits_into_its_url(data):
    data["tenants"]["Big Co"] = data["tenants"].pop("default")
    assert problems(data)[0].startswith("tenants.Big Co: must be lower-case letters")


def test_pages_fit_into_the_largest(data):
    data["tenants"]["default"]["scim"] = {"max_page_size": 50}
    assert problems(data)[0].startswith("tenants.default.scim.default_page_size: must be at most")


def test_roles_and_mappings_are_checked_too(data):
    data["tenants"]["default"]["manual_roles"] = {"auditor": {"fulfilment": "never"}}
    data["tenants"]["default"]["user_mapping"] = {"fields": {"emial": {"sources": []}}}
    paths = [line.split(":")[0] for line in problems(data)]
    assert "tenants.default.manual_roles.auditor.fulfilment" in paths
    assert "tenants.default.user_mapping.fields.emial" in paths


def test_the_public_url_has_no_path(data):
    data["server"] = {"public_url": "https://iga.example.com/scim"}
    assert problems(data)[0].startswith("server.public_url: must have no path")


# ------------------------------------------------------------------------------ secrets


def test_references_are_replaced_from_the_environment(data):
    data["server"] = {"public_url": "https://${HOST}", "port": "${PORT}"}
    data["logging"] = {"level": "${LEVEL}"}
    variables = {"HOST": "iga.example.com", "PORT": "9000", "LEVEL": "debug"}
    settings = settings_from(data, environment=variables)
    assert settings.server.public_url == "https://iga.example.com"
    assert settings.server.port == 9000


def test_an_unset_variable_is_told_once(data):
    data["docusign"]["integration_key"] = "${DOCUSIGN_KEY}"
    assert problems(data) == (
        (
            "docusign.integration_key: the environment variable DOCUSIGN_KEY is not set. "
            "Set it, or write $${ for a literal ${"
        ),
    )


def test_a_doubled_dollar_is_a_literal(data):
    data["tenants"]["default"]["accounts"][0]["alias"] = "$${x}"
    settings = settings_from(data, environment={})
    assert settings.tenants["default"].accounts[0].alias == "${x}"


def test_a_secret_file_is_relative_to_the_configuration(data, pem, tmp_path):
    (tmp_path / "key.pem").write_text(pem)
    del data["docusign"]["private_key"]
    data["docusign"]["private_key_file"] = "key.pem"
    settings = settings_from(data, base_dir=tmp_path)
    assert settings.docusign.private_key == Secret(pem.strip())


def test_a_missing_secret_file_is_told(data, tmp_path):
    del data["docusign"]["private_key"]
    data["docusign"]["private_key_file"] = "key.pem"
    found = problems(data, base_dir=tmp_path)
    assert found == (
        (
            f"docusign.private_key_file: cannot read {tmp_path}/key.pem: No such file or directory"
            f". `docusign-iga key generate --output {tmp_path}/key.pem` makes a key pair"
        ),
    )


def test_a_secret_is_given_one_way_only(data):
    data["docusign"]["private_key_file"] = "key.pem"
    found = problems(data)
    assert "docusign.private_key: is given twice: remove it or private_key_file" in found


def test_masking_hides_every_secret(data, pem):
    data["database"] = {"url": "postgresql+psycopg://iga:hush@db/iga", "password": "hush2"}
    shown = masked(settings_from(data))
    assert shown["docusign"]["private_key"] == "********"
    assert shown["tenants"]["default"]["accounts"][0]["alias"] == "main"
    assert "hush" not in str(shown)
    assert pem.splitlines()[1] not in str(shown)


# ------------------------------------------------------------------------------ the file


def write(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def file_problems(path):
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    return caught.value.problems


def test_duplicate_keys_are_refused(tmp_path):
    path = write(tmp_path, "server:\n  port: 1\n  port: 2\nserver: {}\n")
    assert [line.split(": ", 1)[1] for line in file_problems(path)] == [
        "line 4: the key 'server' is given twice",
        "line 3: the key 'port' is given twice",
    ]


def test_broken_yaml_names_the_line(tmp_path):
    assert "line 2, column 2: not valid YAML" in file_problems(write(tmp_path, "a: [1\nb: 2"))[0]


def test_yaml_that_runs_code_is_refused(tmp_path):
    path = write(tmp_path, "server: !!python/object/apply:os.system ['true']\n")
    assert "not valid YAML" in file_problems(path)[0]


def test_a_missing_file_tells_where_to_start(tmp_path):
    assert "config.example.yaml" in file_problems(tmp_path / "none.yaml")[0]


def test_denials_need_not_hold(data):
    data["tenants"]["default"]["approvals"] = {"quiet_days_after_denial": 0}
    assert settings_from(data).tenants["default"].approvals.quiet_days_after_denial == 0


def test_a_list_is_not_a_configuration(tmp_path):
    assert "must be a mapping" in file_problems(write(tmp_path, "- a\n"))[0]


def test_yes_and_no_are_words(tmp_path, data, pem):
    path = write(tmp_path, "docusign: {behaviour: {list_groups: no}}\n")
    found = file_problems(path)
    assert not any("list_groups" in line for line in found)


def test_ways_in_need_what_they_rest_on(data):
    data["authentication"] = {
        "methods": ["jwt", "mtls", "ntlm"],
        "jwt": {"issuer": "https://idp", "jwks_url": "http://idp/keys", "algorithms": ["HS256"]},
    }
    told = "\n".join(problems(data))
    for place in ("methods[2]", "jwt.audience", "jwt.jwks_url", "jwt.algorithms[0]"):
        assert f"authentication.{place}: must" in told
    assert "authentication.trusted_proxies: must be given" in told


@pytest.mark.parametrize("proxy", ["0.0.0.0/0", "::/0", "proxy.example.com", "10.0.0.1/8", ""])
def test_a_proxy_is_an_address_or_a_network(data, proxy):
    data["authentication"] = {"trusted_proxies": [proxy]}
    (problem,) = problems(data)
    assert problem.startswith("authentication.trusted_proxies[0]: ")


def test_nobody_would_get_in(data):
    data["authentication"] = {"methods": []}
    assert problems(data)[0].startswith("authentication.methods: must offer at least one")


def test_a_tenant_is_not_called_like_the_token_endpoint(data):
    data["tenants"]["oauth"] = data["tenants"].pop("default")
    assert problems(data)[0].startswith("tenants.oauth: ")


# ------------------------------------------------------------------------------ notifications


def with_notifications(data, **notifications):
    data["tenants"]["default"]["notifications"] = notifications
    return data


HOOK = {"name": "hook", "kind": "webhook", "url": "https://hooks.example.com/x"}
SMTP = {"host": "mail.example.com", "sender": "iga@example.com"}


def test_channels_are_read_with_their_secrets_masked(data):
    listed = {"name": "mail", "recipients": ["role:approver", "ann@example.com", "owner"]}
    settings = settings_from(with_notifications(data, smtp=SMTP, channels=[HOOK, listed]))
    hook, mail = settings.tenants["default"].notifications.channels
    assert hook.url.reveal() == "https://hooks.example.com/x"
    assert "hooks.example.com" not in repr(hook)
    assert mail.recipients == ("role:approver", "ann@example.com", "owner")


@pytest.mark.parametrize(
    "given, where",
    [
        ({"channels": [{"name": "mail", "recipients": ["owner"]}]}, "channels[0]"),
        ({"smtp": SMTP, "channels": [{"name": "mail"}]}, "channels[0].recipients"),
        (
            {"smtp": SMTP, "channels": [{"name": "m", "recipients": ["role:boss"]}]},
            "channels[0].recipients[0]",
        ),
        ({"channels": [HOOK, HOOK]}, "channels[1].name"),
        ({"channels": [{"name": "x", "kind": "webhook"}]}, "channels[0].url"),
        ({"channels": [{**HOOK, "events": ["task.nothing"]}]}, "channels[0].events[0]"),
        ({"channels": [{**HOOK, "template": "jira"}]}, "channels[0].options"),
        ({"channels": [{**HOOK, "template": "irc"}]}, "channels[0].template"),
        (
            {"channels": [{**HOOK, "template": "servicenow", "options": {"done": "3"}}]},
            "channels[0].options.done",
        ),
        (
            {
                "channels": [
                    {
                        **HOOK,
                        "template": "jira",
                        "options": {"project": "IAM", "done_transition": "Done"},
                    }
                ]
            },
            "channels[0].options.done_transition",
        ),
        ({"smtp": {"host": "x"}}, "smtp.sender"),
        ({"smtp": {**SMTP, "security": "none", "user": "u"}}, "smtp.security"),
        ({"allowed_networks": ["intranet"]}, "allowed_networks[0]"),
    ],
)
def test_a_channel_that_cannot_work_is_told_before_the_start(data, given, where):
    found = problems(with_notifications(data, **given))
    assert any(line.startswith(f"tenants.default.notifications.{where}: ") for line in found), found
