"""The record of what happened: searched, verified, explained, exported."""
