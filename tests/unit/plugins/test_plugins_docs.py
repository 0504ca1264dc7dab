from pathlib import Path

import pytest

from tailrace_plugins import catalogue, docs

PAGES = Path(__file__).parents[3] / "docs/plugins"


def test_the_committed_pages_are_what_the_plugins_say(capsys):
    assert docs.main(["--check", str(PAGES)]) == 0, capsys.readouterr().err


def test_every_task_type_has_a_page():
    assert docs.pages().keys() == {"README.md", *(f"{id_}.md" for id_ in catalogue.BUILTIN)}


@pytest.mark.parametrize(
    "drift",
    [
        pytest.param(
            lambda folder: (folder / "util.log.md").write_text("changed"), id="a page that was changed"
        ),
        pytest.param(lambda folder: (folder / "util.log.md").unlink(), id="a page that is absent"),
        pytest.param(lambda folder: (folder / "util.gone.md").write_text("x"), id="a page of no task type"),
    ],
)
def test_drift_is_found_and_mended(drift, tmp_path, capsys):
    assert docs.main([str(tmp_path)]) == 0
    drift(tmp_path)
    assert docs.main(["--check", str(tmp_path)]) == 1
    assert "is out of date" in capsys.readouterr().err
    assert docs.main([str(tmp_path)]) == 0
    assert docs.main(["--check", str(tmp_path)]) == 0
