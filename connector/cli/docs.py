"""``docusign-iga docs``: the documents that messages refer to, also where only the wheel is."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from connector.cli.context import handle_errors
from connector.errors import NotFoundError, PermanentError
from mappings.wording import nearest

_INSTALLED = Path("share", "doc", "docusign-iga-connector")
"""Where ``data_files`` in ``setup.cfg`` puts them, below one of several places."""
_ALWAYS_THERE = "troubleshooting.md"
"""Another package may have left a directory ``docs`` beside this one."""


@click.command()
@click.argument("name", required=False)
@handle_errors
def docs(name: str | None) -> None:
    """Show a document of the manual, or with no NAME the list of them.

    NAME is what messages and the configuration file refer to, with or without directory and ending.
    In a terminal it is set and paged; elsewhere it is Markdown.

    \b
    Examples:
      docusign-iga docs
      docusign-iga docs operations
      docusign-iga docs okta
      docusign-iga docs troubleshooting | grep -i clock
    """
    documents = _documents(_directory())
    if name is None:
        width = max(map(len, documents))
        for known, path in documents.items():
            click.echo(f"{known:{width}}  {_title(path)}")
        return
    text = documents[_meant(name, documents)].read_text(encoding="utf-8")
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    # It lets `less` pass colours on where nobody set it otherwise, and leaves them out for others.
    click.echo_via_pager(_set(text))


def _set(text: str) -> str:
    """Return Markdown as a terminal shows it, as wide as this one."""
    from rich.console import Console  # noqa: PLC0415 - nobody reads it elsewhere
    from rich.markdown import Markdown  # noqa: PLC0415

    console = Console()
    with console.capture() as captured:
        console.print(Markdown(text))
    return captured.get()


def _directory() -> Path:
    """Return where the documents are.

    :raises PermanentError: they were not installed.
    """
    code = Path(__file__).parents[2]
    below = [code / _INSTALLED, *(place / _INSTALLED for place in _data_places())]
    for place in (code / "docs", *below):
        if (place / _ALWAYS_THERE).is_file():
            return place
    looked = ", ".join(str(place) for place in dict.fromkeys(below))
    raise PermanentError(
        f"The manual was not found. It was looked for in {looked}. Where the package was repacked "
        "without its data files, install the wheel itself with pip."
    )


def _data_places() -> Iterator[Path]:
    """Return where the installations that this Python knows put data files: its own one, the
    user's, and that of Python itself, which a distribution's own may not install to."""
    yield Path(sysconfig.get_path("data"))
    yield Path(sysconfig.get_path("data", sysconfig.get_preferred_scheme("user")))
    yield Path(sys.prefix)


def _documents(directory: Path) -> Mapping[str, Path]:
    """Return the documents by their names, as messages refer to them."""
    paths = [*sorted(directory.glob("*.md")), *sorted(directory.glob("*/*.md"))]
    return {path.relative_to(directory).with_suffix("").as_posix(): path for path in paths}


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return next(lines, "").lstrip("# ").strip()


def _meant(name: str, documents: Mapping[str, Path]) -> str:
    """Return the document that somebody names.

    :raises NotFoundError: there is none, or there are several.
    """
    wanted = name.strip().lower().removeprefix("docs/").removesuffix(".md")
    found = [
        known for known in documents if wanted in (known.lower(), known.lower().split("/")[-1])
    ]
    if len(found) == 1:
        return found[0]
    close = found or nearest(wanted, documents, at_most=2)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise NotFoundError(f"There is no document {name!r}.{hint} `docusign-iga docs` lists them all.")
