"""The audit's events, the chain that binds them, and the story that they tell."""
