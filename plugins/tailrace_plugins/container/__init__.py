"""Images run as Jobs of their own."""
