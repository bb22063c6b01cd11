"""DocuSign's wire format over HTTP."""
