"""How tenants and the connection stand, from what the ledger noted: nothing here asks DocuSign."""
