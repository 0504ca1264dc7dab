"""Work on JSON values."""
