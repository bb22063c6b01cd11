"""What DocuSign confirmed, written down and rendered as the resources that clients read."""
