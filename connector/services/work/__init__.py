"""What waits for people: approvals and tasks are opened here, and kept true."""
