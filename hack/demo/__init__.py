"""A flow that does real work, run once through kubectl and once through HTTP, and what came of it.

`scenario` does it, `kubernetes_side` and `rest_side` are its two halves, `report` is what a person sees.
"""
