"""``python -m connector.cli``: how the program starts its own processes."""

from connector.cli import main

main()
