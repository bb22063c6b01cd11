"""What people are told: to whom, in which words, and until it arrives."""
