"""The use cases, a package an idea; ``docs/architecture.md`` draws them from the top down."""
