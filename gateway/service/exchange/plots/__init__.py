"""A night as a picture: PNG for a report, one self-contained HTML page for the screen."""
