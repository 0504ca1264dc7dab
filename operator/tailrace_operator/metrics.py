"""What Prometheus can ask of the operator."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

RECONCILE = Histogram(
    "tailrace_reconcile_seconds",
    "How long one key of a queue was handled.",
    ["queue"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
ADMISSIONS = Counter("tailrace_admissions", "Runs admitted or refused.", ["result"], registry=REGISTRY)
ATTEMPTS_LOST = Counter(
    "tailrace_attempts_lost", "Attempts that ended without the Run's end.", registry=REGISTRY
)
RUNS_ENDED = Counter("tailrace_runs_ended", "Runs whose end was archived.", ["phase"], registry=REGISTRY)
FIRINGS = Counter("tailrace_firings", "What became of the slots of schedules.", ["result"], registry=REGISTRY)
QUEUE_DEPTH = Gauge("tailrace_queue_depth", "Keys that wait to be handled.", ["queue"], registry=REGISTRY)
QUEUE_OLDEST = Gauge(
    "tailrace_queue_oldest_seconds",
    "How long the oldest key waits or is handled.",
    ["queue"],
    registry=REGISTRY,
)
RUNS = Gauge("tailrace_runs", "Runs that exist as resources, by phase.", ["phase"], registry=REGISTRY)
WATCH_AGE = Gauge(
    "tailrace_watch_age_seconds", "How long ago a watch was last heard of.", ["resource"], registry=REGISTRY
)
LEADER = Gauge("tailrace_leader", "1 where this process holds the Lease.", registry=REGISTRY)
LEDGER_PENDING = Gauge("tailrace_ledger_pending", "Firings not yet written to the store.", registry=REGISTRY)
