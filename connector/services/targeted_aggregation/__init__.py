"""Single people read again from DocuSign."""
