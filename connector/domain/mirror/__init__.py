"""How what DocuSign shows is taken into the mirror, and what of it SCIM shows."""
