"""workflowdev: flows as YAML, executions, triggers, plugins, credentials and keys under /api/v1."""
