"""What people do with what waits for them: decide, delegate, work, and let time pass."""
