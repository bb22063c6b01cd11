"""What lets the connector act at DocuSign: links, states, grants that somebody signed in for."""
