"""Kubernetes as the facade sees it: caches to read from, identities to write with. It decides nothing."""
