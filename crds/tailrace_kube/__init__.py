"""A thin asynchronous Kubernetes client on raw objects, an informer with a projected cache, work queues.

What may not live here: anything that knows what a Flow or a Run means.
"""

from tailrace_kube.client import Client, Impersonation
from tailrace_kube.config import Config, load
from tailrace_kube.informer import Informer
from tailrace_kube.resources import Resource
from tailrace_kube.workqueue import WorkQueue

__all__ = ["Client", "Config", "Impersonation", "Informer", "Resource", "WorkQueue", "load"]
