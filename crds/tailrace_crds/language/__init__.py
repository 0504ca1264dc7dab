"""What a Flow means: durations, the task graph, templates, credentials, inputs and validation.

The facade, the operator, the runner and the command line share this package, so that a flow means the same
to all of them. It is pure: no clock, no file, no network, no Kubernetes.
"""
