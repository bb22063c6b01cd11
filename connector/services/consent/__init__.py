"""DocuSign's consent: how it is asked for, given, watched and renewed."""
