"""What stands around SCIM, console and REST API in a web process: endpoints and middleware."""
