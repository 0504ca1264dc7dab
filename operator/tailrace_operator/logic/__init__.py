"""Decisions: data in, data out, `now` a parameter. No client, no clock, no kopf."""
