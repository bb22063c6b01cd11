"""Why a connection does not work, and what DocuSign really does: checks with cause and remedy."""
