"""What each kind of receiver is sent."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from connector.errors import PermanentError
from connector.notifications.records import carrying_on, record_in
from connector.notifications.rendering import render
from connector.notifications.targets import Target
from connector.settings import ChannelSettings
from tests.integration.notifications.sending import MESSAGE, hook, notifier
from tests.receivers import web_receiver


@pytest.mark.parametrize("template", ["standard", "servicenow", "jira", "slack", "teams"])
def test_every_template_makes_json_of_hostile_names(template):
    evil = '"}],"x":"\n</script>{{ 7*7 }}{noformat}<!channel>[a](https://evil)'
    message = replace(MESSAGE, title=evil, facts=((evil, evil),), steps=(evil,))
    options = {"project": "IAM", "assignment_group": evil}
    with web_receiver() as web:
        channel = hook(web.url(), template=template, options=options)
        notifier().deliver(channel, message, "d1", "")
    body = json.loads(web.received[0].body)
    text = json.dumps(body)
    assert message.link in text
    assert "49" not in text
    if template == "slack":
        assert "<!channel>" not in body["text"]
        assert "&lt;!channel&gt;" in body["text"]
    if template == "teams":
        assert "[a](https" not in json.dumps(body["attachments"][0]["content"]["body"][0]["text"])
    if template == "jira":
        assert body["fields"]["project"] == {"key": "IAM"}
        assert body["fields"]["description"].count("{noformat}") == 2
    if template == "servicenow":
        assert body["assignment_group"] == evil


@pytest.mark.parametrize(
    "reason", ["{noformat}x", "{nofor{noformat}mat}x", "{NoFormat:title=y}x", "{{noformat}}x"]
)
def test_a_reason_stays_within_the_block_of_jira(reason):
    message = replace(MESSAGE, text=reason, data={"work_item": "w1"})
    channel = ChannelSettings("j", "webhook", template="jira", options={"project": "IAM"})
    fields = json.loads(render(channel, message, "d1"))["fields"]
    text = fields["description"]
    assert len(re.findall(r"\{noformat", text, re.IGNORECASE)) == 2
    assert text.startswith("{noformat}\n")
    assert text.endswith("\n{noformat}")
    assert fields["labels"] == ["docusign-iga", "docusign-iga-w1"]


@pytest.mark.parametrize("tag", ["[code]", "[/CODE]", "[[code]code]"])
def test_a_reason_is_no_html_in_a_journal_of_servicenow(tag):
    message = replace(MESSAGE, title=f"Why {tag}", text=f"Why {tag}<b>x</b>")
    channel = ChannelSettings("s", "webhook", template="servicenow")
    target = Target("https", "x.example", 443, "192.0.2.1", "/api/now/table/sc_task")
    (added,) = carrying_on(channel, message, target, f"/{'a' * 32}")
    made = json.loads(render(channel, message, "d1"))
    for text in (
        made["short_description"],
        made["description"],
        json.loads(added.body)["work_notes"],
    ):
        assert "Why [" in text
        assert not re.search(r"\[/?code\]", text, re.IGNORECASE)


@pytest.mark.parametrize(
    "answer, name",
    [
        ('{"id": "10001"}', "10001"),
        ('{"id": "\u0661\u0662"}', ""),
        ("[" * 200_000, ""),
        ("{", ""),
    ],
)
def test_what_jira_answers_names_a_record_or_none(answer, name):
    channel = ChannelSettings("j", "webhook", template="jira", options={"project": "IAM"})
    target = Target("https", "x.example", 443, "192.0.2.1", "/rest/api/2/issue")
    record = record_in(channel, target, {}, answer)
    assert record == (f"{target.scheme}://{target.authority}{target.path}/{name}" if name else "")


def test_messages_about_one_work_item_bear_its_id():
    channel = ChannelSettings("s", "webhook", template="servicenow")
    message = replace(MESSAGE, data={"work_item": "w1"})
    made = [json.loads(render(channel, message, delivery)) for delivery in ("d1", "d2")]
    assert [item["correlation_id"] for item in made] == ["w1", "w1"]
    assert json.loads(render(channel, replace(MESSAGE, data={}), "d3"))["correlation_id"] == "d3"


def test_jira_without_its_project_says_what_is_missing():
    with web_receiver() as web, pytest.raises(PermanentError, match="project"):
        notifier().deliver(hook(web.url(), template="jira"), MESSAGE, "d1", "")
