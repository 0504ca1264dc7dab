"""The resources of Tailrace, as data.

One module a kind; the CustomResourceDefinitions are generated from these models. Nothing in this package
reads a clock, a file, the network or Kubernetes: it may be imported by everything and imports none of it.
"""
