"""Small steps of a flow itself: log, sleep, fail, set."""
