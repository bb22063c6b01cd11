"""ServiceNow and Jira as far as the connector uses them, and the case that they are told of."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connector.services.context import Actor
from tests.visitors import ask_for_admin

JOB = Actor("job:verify", "job", "c1")
TABLE, ISSUES = "/api/now/table/sc_task", "/rest/api/2/issue"


@dataclass
class Tickets:
    """A ticket system: records by name, each with what was written to it."""

    port: int = 0
    records: dict[str, list[Any]] = field(default_factory=dict)
    refuses: dict[str, int] = field(default_factory=dict)
    """Status by the end of a path."""
    calls: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    is_cut_off: bool = False
    """Whether it does what it is told and never says so."""

    def answer(self, handler: Any, received: Any) -> None:
        path = received.path.partition("?")[0]
        if received.method == "GET":
            self.questions.append(received.path)
        else:
            self.calls.append(f"{received.method} {received.path}")
        status = next((code for end, code in self.refuses.items() if path.endswith(end)), 0)
        name = next((key for key in self.records if f"/{key}" in path), "")
        headers: dict[str, str] = {}
        body: dict[str, Any] = {}
        if status:
            pass
        elif received.method == "GET":
            status, body = self.found(received.path)
        elif name:
            self.records[name].append(json.loads(received.body))
            status = 200
        elif path in (TABLE, ISSUES):
            is_jira = path == ISSUES
            number = 10_000 + len(self.calls)
            name = str(number) if is_jira else f"{number:032x}"
            self.records[name] = [json.loads(received.body)]
            status, body = 201, {"id": name, "key": f"IAM-{number}"} if is_jira else {"result": {}}
            headers = {} if is_jira else {"Location": f"https://x.example{path}/{name}"}
        else:
            status = 404
        if self.is_cut_off and received.method == "POST":
            handler.close_connection = True
            return
        text = json.dumps(body).encode()
        handler.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(text))}.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(text)

    def found(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return what a search finds: as both do, one record or none."""
        asked = {key: value for key, (value,) in parse_qs(urlsplit(path).query).items()}
        if urlsplit(path).path == TABLE:
            field_, _, key = asked["sysparm_query"].partition("=")
            found = [
                {"sys_id": name, "correlation_id": made["correlation_id"]}
                for name, (made, *_) in self.records.items()
                if made[field_] == key
            ]
            return 200, {"result": found[: int(asked["sysparm_limit"])]}
        match = re.fullmatch('labels = "(.+)"', asked["jql"])
        assert match is not None, asked
        issues = [
            {"id": name, "key": f"IAM-{name}", "fields": {"labels": made["fields"]["labels"]}}
            for name, (made, *_) in self.records.items()
            if match[1] in made["fields"]["labels"]
        ]
        return 200, {"issues": issues[: int(asked["maxResults"])]}


def opened(connector):
    """Return a task of which the ticket system has been told."""
    task = ask_for_admin(connector, connector.world.member().user.user_id)
    connector.services.notifications.deliver_due()
    return task


def finished(connector, task):
    user_id = connector.services.work_items.get(task).subject_id
    connector.world.state.user(user_id).is_organization_admin = True
    connector.services.verification.verify_all(JOB)
    connector.services.notifications.deliver_due()
    deliveries = connector.services.notifications.list()
    assert {str(item.state) for item in deliveries} <= {"delivered"}, deliveries
    return deliveries


def told_that_it_is_late(connector):
    connector.clock.advance(6 * 86_400)
    connector.services.due.run(Actor("job:people", "job", "c2"))
    connector.services.notifications.deliver_due()


def is_ended(written, template):
    """Whether something that was written to a record ended it."""
    if template == "servicenow":
        return any(one.get("state") == "3" for one in written)
    return {"transition": {"id": "31"}} in written
