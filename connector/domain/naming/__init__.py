"""Between names and ids: what a name of the configuration means, what people call an id."""
