"""What the rules of a tenant say, and what others would have said."""
