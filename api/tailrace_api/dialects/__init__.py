"""Dialects: one package for each REST API that Tailrace speaks.

A dialect states only its differences: wire models (what goes in and out, in which order), routes (which use
case of `core` each one is), and how a refusal looks. It decides nothing: what two dialects would decide alike
belongs to `core`, what they would parse alike to `http`. Dialects do not import each other.

To write one: a package with `app.build(core) -> FastAPI`, routes that take their use cases by `Depends`, an
`envelope.render` for `http.failures.install`, and a page in docs/dialects with every answer that the
documented API leaves open. `workflowdev` is the one to read first.
"""
