"""Executing a flow: decisions in `plan`, `frontier`, `outcome` and `retry` (pure), the doing in `execution`.

Nothing here may import Kubernetes, HTTP, the environment or a plugin by name.
"""
