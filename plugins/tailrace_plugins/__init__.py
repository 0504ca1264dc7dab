"""The catalogue of task types: one folder a category, one file a task type.

To write one: a class derived from `base.Plugin[Inputs, Outputs]`, two pydantic models whose every field has a
description; an `example` that works; and `run`. A library that a plugin needs is imported inside of `run`, so
that a Run loads only what it uses. Built-in ones stand in `catalogue.BUILTIN`; other distributions add theirs
by an entry point of the group `tailrace.plugins`: a dict, or a function that gives one, of
id → "module:Class".
"""
