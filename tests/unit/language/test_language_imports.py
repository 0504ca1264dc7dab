import subprocess
import sys

import pytest

PROGRAM = """
import sys
import {module}
print(" ".join(sorted(name.partition(".")[0] for name in sys.modules)))
"""


def loaded_by(module):
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module)], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


@pytest.mark.parametrize("module", ["tailrace_crds.language.validation", "tailrace_plugins.catalogue"])
def test_importing_it_stays_cheap(module):
    heavy = {
        "kopf",
        "aiohttp",
        "httpx2",
        "httpcore2",
        "jmespath",
        "sqlalchemy",
        "fastapi",
        "kubernetes",
        "anyio",
        "ssl",
    }
    assert loaded_by(module) & heavy == set()
