import json
from pathlib import Path

import pytest

from demo import report, scenario
from install.kubernetes import Kubernetes


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        pytest.param("2026-01-01T00:00:00.100Z", "2026-01-01T00:00:00.142Z", "42 ms", id="milliseconds"),
        pytest.param("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:02.500Z", "2.5 s", id="seconds"),
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "< 1 s", id="less than is known"),
        pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:03Z", "3 s", id="whole seconds"),
        pytest.param("2026-01-01T00:00:00Z", None, "", id="not ended"),
        pytest.param(None, None, "", id="skipped"),
    ],
)
def test_a_duration_is_as_exact_as_its_times(start, end, shown):
    assert report.duration(start, end) == shown


def test_a_table_is_as_wide_as_its_cells():
    assert report.tasks([("a", "util.log", "Succeeded", "1 ms"), ("longer", "x", "Failed", "")]) == (
        "TASK    TYPE      STATE      TOOK\na       util.log  Succeeded  1 ms\nlonger  x         Failed"
    )


def test_both_sides_of_a_run_give_the_same_table():
    times = ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.500Z")
    run = {
        "status": {
            "tasks": [
                {
                    "name": "a",
                    "type": "t",
                    "phase": "Succeeded",
                    "startTime": times[0],
                    "completionTime": times[1],
                }
            ]
        }
    }
    outputs = json.dumps({"text": "x" * 100})
    task = {"taskName": "a", "taskType": "t", "status": "SUCCESS", "outputs": outputs}
    body = {"tasks": [{**task, "startedAt": times[0], "finishedAt": times[1]}]}
    assert report.tasks_of_run(run) == [("a", "t", "Succeeded", "500 ms")]
    [row] = report.tasks_of_execution(body)
    assert row[:4] == ("a", "t", "SUCCESS", "500 ms")
    assert len(row[4]) == report.WIDTH


def test_a_run_without_tasks_has_a_table_without_rows():
    assert report.tasks(report.tasks_of_run({})) == "TASK  TYPE  STATE  TOOK  OUTPUTS"


def test_a_person_is_told_how_to_reach_the_same_cluster():
    kubernetes = Kubernetes(Path("/tools"), Path("/kubeconfig"), "mine")
    assert scenario.settings(kubernetes, at_hand=False) == [
        "$ export KUBECONFIG=/kubeconfig",
        "$ export PATH=/tools:$PATH",
        "$ kubectl config use-context mine",
    ]
    assert len(scenario.settings(kubernetes, at_hand=True)) == 2
