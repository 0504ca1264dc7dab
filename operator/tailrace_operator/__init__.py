"""The operator: brings what runs in the cluster to what Flows, Triggers, Credentials and Runs ask for.

`logic` decides (pure, given `now`), `jobs` translates between Runs and Jobs, `handlers` read, decide and
apply, one file a kind. No code of users runs here.
"""
