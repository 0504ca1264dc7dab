"""The facade: REST APIs over Tailrace's resources, and the internal API that runners and the operator use.

`app` composes everything. `core` holds the use cases and knows no dialect; `dialects` translate one wire
format each and decide nothing; `http` is what the dialects share; `internal` serves the system's own pods;
`cluster` is Kubernetes as the facade sees it (caches, identities); `store` is the database, which no other
program opens.
"""
