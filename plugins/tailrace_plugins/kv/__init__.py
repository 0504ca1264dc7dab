"""The key-value store, which outlives a Run."""
