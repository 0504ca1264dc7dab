"""Programs that the flow carries in itself."""
