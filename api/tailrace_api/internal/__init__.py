"""The internal API: what runners and the operator ask of the facade (docs/design/protocol.md).

A listener of its own, over TLS. Who calls is told by a projected token that the API server reviews; what a
runner may ask for follows from the claim of its Run. No dialect and no person ever comes here.
"""
