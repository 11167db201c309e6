"""What goes across the papers: proposals, time, transfer, the systems side by side."""
