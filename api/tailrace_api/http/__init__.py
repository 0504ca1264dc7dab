"""What the dialects share about HTTP: limits, parsing, errors, request ids, metrics. Never a wire shape."""
