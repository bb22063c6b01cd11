"""From what a client wants to what DocuSign has: plans, their turns, calls and failures."""
