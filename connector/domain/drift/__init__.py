"""What differs between DocuSign and what is expected of it, and what puts it right."""
