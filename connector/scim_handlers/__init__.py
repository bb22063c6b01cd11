"""The inbound SCIM adapter: implements the port of :mod:`scim.handlers` on the services."""
