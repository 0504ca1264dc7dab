"""One file a kind: read what is stored, let `logic` decide, apply it. Each can run again at any time."""
