"""Runs and container tasks as Jobs (`build`, `containers`); Jobs and pods as what happened (`observe`)."""
