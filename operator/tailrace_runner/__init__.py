"""The process that executes a Run: claim it, execute its tasks, report.

The path from the pod's start to the first task is short by design, and a test keeps it so: no kopf, aiohttp,
httpx2, structlog, typer or the kinds' pydantic models are imported on it, and of the plugins only those that
the plan names. `engine/` executes a flow and knows neither Kubernetes nor HTTP; `ports` names its needs;
`pod` and `local` provide that, in a cluster and on a laptop.
"""
