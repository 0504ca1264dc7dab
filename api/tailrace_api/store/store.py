"""All repositories over one database."""

from dataclasses import dataclass

from tailrace_api.store.causes import Causes
from tailrace_api.store.claims import Claims
from tailrace_api.store.containers import Containers
from tailrace_api.store.database import Database
from tailrace_api.store.journal import Journal
from tailrace_api.store.keys import Keys
from tailrace_api.store.kv import KeyValues
from tailrace_api.store.ledger import Ledger
from tailrace_api.store.logs import Logs
from tailrace_api.store.outputs import Outputs
from tailrace_api.store.runs import Archive


@dataclass(frozen=True)
class Store:
    """The tables, each with the statements that touch it."""

    database: Database
    archive: Archive
    journal: Journal
    logs: Logs
    claims: Claims
    kv: KeyValues
    causes: Causes
    ledger: Ledger
    outputs: Outputs
    containers: Containers
    keys: Keys


def over(database: Database) -> Store:
    """The store in this database."""
    return Store(
        database=database,
        archive=Archive(database),
        journal=Journal(database),
        logs=Logs(database),
        claims=Claims(database),
        kv=KeyValues(database),
        causes=Causes(database),
        ledger=Ledger(database),
        outputs=Outputs(database),
        containers=Containers(database),
        keys=Keys(database),
    )
