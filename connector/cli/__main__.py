"""``python -m connector.cli``: how the program starts its own processes."""

from connector.parentage import end_with_parent

# Before anything that takes a second to import: a child may lose its parent meanwhile.
end_with_parent()

from connector.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
