"""What can be wrong with a connection, what the doctor looks at, what a probe tries."""
