"""The command line, ``docusign-iga``. Each command is a module; this names them."""

from connector.cli.main import main

__all__ = ["main"]
