"""A value that no log, exception text or repr shows."""

from __future__ import annotations

from pathlib import Path

MASK = "********"
"""What is shown where a secret stands."""


class Secret:
    """A string that is only seen where :meth:`reveal` is called."""

    __slots__ = ("_path", "_value")

    def __init__(self, value: str, path: Path | None = None) -> None:
        """:param path: the file that it was read from."""
        self._value = value
        self._path = path

    @classmethod
    def read(cls, path: Path) -> Secret:
        """Return the secret that a file holds; surrounding white space is not part of it.

        :raises OSError: the file cannot be read.
        :raises UnicodeDecodeError: it is not text.
        """
        # The bytes as they are: a wrong line ending is told, not hidden.
        return cls(path.read_bytes().decode("utf-8").strip(), path)

    def read_anew(self) -> Secret:
        """Return the secret as its file has it now; itself where it came of none, or that cannot
        be read."""
        if self._path is None:
            return self
        try:
            return Secret.read(self._path)
        except (OSError, UnicodeDecodeError):
            return self

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
