"""What the page of one night is made of: its figure, its time axis, its table and its words. Pure, but for the page."""
