"""What waits for people: approvals and manual tasks, their history, who may decide."""
