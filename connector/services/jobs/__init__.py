"""Jobs: which there are, when they run, what their runs did."""
