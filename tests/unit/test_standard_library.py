"""Our folder operator/ must never become a package: it would shadow Python's own module of that name."""

import operator
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_standard_librarys_operator_is_the_one_imported() -> None:
    assert operator.__file__ is not None
    assert not Path(operator.__file__).is_relative_to(ROOT)
    assert operator.__name__ in sys.stdlib_module_names


def test_no_source_folder_is_a_package_itself() -> None:
    folders = [ROOT / name for name in ("operator", "api", "crds", "plugins", "cli")]
    assert [folder.name for folder in folders if (folder / "__init__.py").exists()] == []
