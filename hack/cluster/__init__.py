"""A Kubernetes cluster for development on one Linux machine, without docker.

`addresses`, `layout`, `certificates`, `kubeconfigs`, `components` and `node_files` say what a cluster
is and touch nothing; `programs`, `golang` and `packages` obtain what it runs; `supervisor` and
`sandbox` are inside of it; `lifecycle` brings it up and takes it down; `finder` chooses between it
and other clusters; `cli` is the way in.
"""
