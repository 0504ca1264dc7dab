"""The database: one module a table, with its rows and the only statements that touch them.

Nothing here decides anything, reads a clock or knows Kubernetes or HTTP. Rows come back as plain dataclasses
or JSON values; times are aware datetimes in UTC.
"""
