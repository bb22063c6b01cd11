"""Messages as text and as the JSON that each kind of receiver takes."""

from __future__ import annotations

import json
import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError

from connector.domain.notifications import Message
from connector.errors import PermanentError
from connector.settings import ChannelSettings


@cache
def _environment() -> Environment:
    # Values enter JSON through the filter tojson alone, so that none can break out of its string.
    environment = Environment(  # noqa: S701 - neither template makes HTML
        loader=PackageLoader("connector.notifications"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["slack"] = _slack
    environment.filters["markdown"] = _markdown
    environment.filters["journal"] = for_journal
    environment.filters["label"] = label_of
    environment.policies["json.dumps_function"] = _dumps
    return environment


def key_of(message: Message, delivery_id: str) -> str:
    """Return by what a receiver's record of a message is known: the id of the case that it is
    about, else the delivery's."""
    return str(message.data.get("work_item", delivery_id))


def label_of(key: str) -> str:
    """Return the label that an issue of that key bears in Jira."""
    return f"docusign-iga-{key}"


def render(channel: ChannelSettings, message: Message, delivery_id: str) -> bytes:
    """Return the body of a webhook.

    :raises PermanentError: the channel lacks an option that its template needs.
    """
    template = _environment().get_template(f"{channel.template}.json.j2")
    try:
        text = template.render(
            message=message,
            id=delivery_id,
            key=key_of(message, delivery_id),
            options=dict(channel.options),
            lines=lines_of(message),
            verbatim_lines=lines_of(message, verbatim=True),
        )
    except TemplateError as error:
        raise PermanentError(
            f"The channel {channel.name!r} lacks an option of the template {channel.template!r}: "
            f"{error.message}."
        ) from error
    return json.dumps(json.loads(text), separators=(",", ":")).encode()


def lines_of(message: Message, *, verbatim: bool = False, title: str = "") -> str:
    """Return what a record says: text, facts, steps and link.

    :param verbatim: as a block of Jira's markup that shows it as it is.
    :param title: stands above it, if given.
    """
    text = _environment().get_template("lines.txt.j2").render(message=message, title=title).strip()
    return f"{{noformat}}\n{_verbatim(text)}\n{{noformat}}" if verbatim else text


def email_text(message: Message) -> str:
    """Return the text of an e-mail."""
    return _environment().get_template("email.txt.j2").render(message=message)


def _dumps(value: object, **_: object) -> str:
    return json.dumps(value)


def _slack(text: str) -> str:
    """Return a text without what Slack takes for markup (docs.slack.dev, formatting)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _verbatim(text: str) -> str:
    """Return a text that cannot end the block of Jira's markup in which it stands."""
    return re.sub(r"\{(?=noformat)", "{ ", text, flags=re.IGNORECASE)


def for_journal(text: str) -> str:
    """Return a text of which ServiceNow shows nothing as HTML: it does so with what stands between
    ``[code]`` and ``[/code]`` in a journal field."""
    return re.sub(r"\[(?=/?code\])", "[ ", text, flags=re.IGNORECASE)


def _markdown(text: str) -> str:
    """Return a text without what Adaptive Cards take for markup."""
    for char in "\\`*_[]()#<>":
        text = text.replace(char, f"\\{char}")
    return text
