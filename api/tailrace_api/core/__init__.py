"""The use cases, neutral to dialects: what can be done with flows, runs, triggers, credentials and keys.

Resources come back as the API server gave them (plain objects), failures as `errors.Failure`. No wire format
of a dialect, no HTTP request and no framework may appear here.
"""
