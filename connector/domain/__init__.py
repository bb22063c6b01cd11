"""What the connector knows and decides, pure; ``docs/architecture.md`` draws it top down."""
