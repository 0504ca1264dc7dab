"""Schema changes, run at every start by `tailrace_api.store.migrate`."""
