"""The settings page: everything in force, and where it comes from."""

from __future__ import annotations

import re
from html import unescape

from connector.domain.drift.difference import DriftKind
from connector.settings import (
    ChannelSettings,
    DriftRule,
    DriftSettings,
    LeaverSettings,
    NotificationSettings,
    ScheduleSettings,
    Secret,
    TenantJobSettings,
)
from tests.acceptance.processes import write_config
from tests.visitors import guarded, signed_in


def rows(page, title):
    """Return the cells of a table, row by row, as text."""
    table = re.search(
        rf'<caption class="unseen">{re.escape(title)}</caption>.*?</table>', page, re.S
    )
    lines = re.findall(r"<tr><td.*?</tr>", table[0], re.S)
    return [
        [unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td.*?</td>", line, re.S)]
        for line in lines
    ]


def settings_page(connector):
    return signed_in(connector, "administrator").get("/settings").get_data(as_text=True)


def test_the_rules_that_are_shipped_stand_behind_those_of_the_tenant(connect):
    auditor = {
        "display": "Auditor",
        "instructions": {"grant": ["Tell {email}."], "revoke": ["Tell {email}."]},
    }
    roles = {"auditor": auditor, "organization-admin": {"owner": "ciso@x.example"}}
    page = settings_page(connect(**guarded(), manual_roles=roles))
    assert rows(page, "Who is asked before access is given") == [
        [
            "match: *Approver*",
            "approval by 1 of whoever has the role approver; high risk, owner finance@x.example",
            "rule 1 of the tenant",
        ],
        ["match: *admin*", "automatic; high risk", "rule 1 of mappings/entitlements.yaml"],
        ["everything else", "automatic; low risk", "built in"],
    ]
    assert rows(page, "Roles that only people give") == [
        [
            "Organization Administrator (organization-admin)",
            "manual; critical risk, owner ciso@x.example, checked by looking into DocuSign",
            "mappings/entitlements.yaml, changed by the tenant",
        ],
        ["Auditor (auditor)", "manual; low risk, checked by a second person", "the tenant"],
    ]


def test_a_rule_that_covers_nothing_is_told(connect):
    unused = {"match": "*sendr*", "fulfilment": "manual"}
    page = settings_page(connect(entitlements=({"match": "*sender*"}, unused)))
    told = re.findall(r'<p class="notice wait">(.*?)</p>', page)
    assert len(told) == 1
    assert "Rule 2 of the tenant" in told[0] and "(match: *sendr*)" in told[0]


def test_rules_for_drift_and_leavers_that_cover_nothing_are_told(connect):
    drift = DriftSettings(policy=(DriftRule(kind="nativ_grant", then="revert"),))
    page = settings_page(connect(drift=drift, leavers=(LeaverSettings(profile="DocuSign Sendr"),)))
    told = re.findall(r'<p class="notice wait">(.*?)</p>', page)
    assert ["drift.policy" in told[0], "leavers" in told[1], len(told)] == [True, True, 2]


def test_what_is_done_about_drift_is_told_to_the_last_class(connect):
    rule = DriftRule(kind="native_grant", account="acme*", then="revert")
    reverted = {"match": "Signer", "on_drift": "accept"}
    page = settings_page(connect(drift=DriftSettings(policy=(rule,)), entitlements=(reverted,)))
    told = rows(page, "What is done about drift")
    assert told[:3] == [
        ["class: native_grant, account: acme*", "revert", "rule 1 of the tenant (drift.policy)"],
        ["grants of match: Signer", "accept", "rule 1 of the tenant"],
        ["unexpected organization admin", "revert: a task asks a person", "built in"],
    ]
    rest = {str(kind).replace("_", " ") for kind in DriftKind} - {"unexpected organization admin"}
    assert set(told[3][0].removeprefix("everything else: ").split(", ")) == rest
    assert told[3][1:] == ["report", "built in"]


def test_attributes_and_settings_say_where_they_come_from(connect):
    mapping = {"fields": {"job_title": {"sources": [{"attribute": "userType"}]}}}
    page = settings_page(connect(user_mapping=mapping))
    told = rows(page, "How the attributes of users correspond")
    assert ["job title in DocuSign", "userType", "the tenant"] in told
    assert ["first name in DocuSign", "name.givenName", "mappings/user.yaml"] in told
    own = {name: (value, source) for name, value, source in rows(page, "tenants.default")}
    assert own["approvals.expire_days"] == ("14", "default")
    assert own["user_mapping.fields.job_title.sources[0].attribute"] == (
        "userType",
        "configuration file",
    )


def test_what_stands_below_a_list_has_the_defaults_of_its_kind(connect):
    channel = ChannelSettings("hook", "webhook", secret=Secret("four quiet green lamps"))
    daily = ScheduleSettings(cron="0 3 * * *")
    connector = connect(
        leavers=(LeaverSettings(profile="*Admin*"),),
        notifications=NotificationSettings(channels=(channel,)),
        jobs=TenantJobSettings(schedule={"sync": daily}),
    )
    page = settings_page(connector)
    told = {name: source for name, _, source in rows(page, "tenants.default")}
    said = {
        "leavers[0].profile",
        "notifications.channels[0].name",
        "notifications.channels[0].kind",
        "notifications.channels[0].secret",
        "jobs.schedule.sync.cron",
    }
    below = ("leavers[", "notifications.channels[", "jobs.schedule.")
    usual = {name for name in told if name.startswith(below)} - said
    assert {told[name] for name in said} == {"configuration file"}
    assert {told[name] for name in usual} == {"default"}
    assert {"leavers[0].hand_over_to", "notifications.channels[0].events"} <= usual
    assert "four quiet green lamps" not in page


def test_what_runs_with_an_earlier_version_of_the_file_is_told(connector, tmp_path):
    ann, world = signed_in(connector, "administrator"), connector.world
    world.base_url = "http://127.0.0.1:1"
    file = write_config(tmp_path, world, 8080)
    good = file.read_text()
    heartbeat = connector.application.begin_telling(file)
    assert str(file) not in unescape(ann.get("/settings").get_data(as_text=True))
    file.write_text(f"{good}# changed")
    page = unescape(ann.get("/settings").get_data(as_text=True))
    assert f"with another version of {file}: restart it" in page

    file.write_text("tenant: {}")
    page = unescape(ann.get("/settings").get_data(as_text=True))
    assert f"{file} cannot be used as it is now, and `serve` would not start again" in page

    heartbeat.stop()
    file.write_text(good)
    assert str(file) not in unescape(ann.get("/settings").get_data(as_text=True))
