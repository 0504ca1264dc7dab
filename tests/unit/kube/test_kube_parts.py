import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tailrace_kube import Impersonation, errors
from tailrace_kube.config import ConfigError, TokenFile, from_kubeconfig, load
from tailrace_kube.resources import JOBS, NAMESPACES, PODS, RUNS


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(PODS.path("a", "b", "log"), "/api/v1/namespaces/a/pods/b/log", id="core"),
        pytest.param(RUNS.path("a"), "/apis/tailrace.dev/v1alpha1/namespaces/a/runs", id="group"),
        pytest.param(JOBS.path(), "/apis/batch/v1/jobs", id="all namespaces"),
        pytest.param(NAMESPACES.path("ignored", "a"), "/api/v1/namespaces/a", id="not namespaced"),
        pytest.param(
            RUNS.path("a", "b/../c"), "/apis/tailrace.dev/v1alpha1/namespaces/a/runs/b%2F..%2Fc", id="quoted"
        ),
    ],
)
def test_paths(found: str, expected: str) -> None:
    assert found == expected


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_would_address_something_else(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        RUNS.path("a", name)
    with pytest.raises(ValueError, match="not the name"):
        RUNS.path(name, "a")


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (400, "BadRequest", errors.BadRequest),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (409, "Conflict", errors.Conflict),
        (409, "AlreadyExists", errors.AlreadyExists),
        (410, "Expired", errors.Gone),
        (413, "RequestEntityTooLarge", errors.TooLarge),
        (422, "Invalid", errors.Invalid),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "InternalError", errors.Unavailable),
        (504, "Timeout", errors.Unavailable),
        (418, "", errors.KubeError),
    ],
)
def test_errors_by_status(code: int, reason: str, kind: type[errors.KubeError]) -> None:
    details = {"retryAfterSeconds": 2}
    body = json.dumps({"kind": "Status", "code": code, "reason": reason, "message": "m", "details": details})
    error = errors.from_response(code, body.encode())
    assert type(error) is kind
    assert (error.status, error.reason, error.message, error.retry_after) == (code, reason, "m", 2)


@pytest.mark.parametrize(
    "body", [b"", b"<html>busy</html>", b"[]", b"\xff"], ids=["empty", "HTML", "list", "bytes"]
)
def test_an_error_need_not_be_json(body: bytes) -> None:
    assert isinstance(errors.from_response(503, body), errors.Unavailable)


def test_impersonation_headers() -> None:
    who = Impersonation(
        "system:serviceaccount:a:tailrace-editor", ("g1", "g2"), {"tailrace.dev/key": ["anna"]}
    )
    assert who.headers() == [
        ("Impersonate-User", "system:serviceaccount:a:tailrace-editor"),
        ("Impersonate-Group", "g1"),
        ("Impersonate-Group", "g2"),
        ("Impersonate-Extra-tailrace.dev%2Fkey", "anna"),
    ]


def test_a_token_is_read_again_when_it_rotates(tmp_path: Path) -> None:
    file, time = tmp_path / "token", [100.0]
    file.write_text("one\n")
    token = TokenFile(file, clock=lambda: time[0])
    assert token() == "one"
    file.write_text("two\n")
    assert token() == "one"
    time[0] += 31
    assert token() == "two"
    file.unlink()
    time[0] += 31
    assert token() == "two", "while it cannot be read, the last one"


def kubeconfig(path: Path, user: dict[str, Any], **cluster: Any) -> Path:
    document = {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1/", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_kubeconfig(tmp_path: Path) -> None:
    config = from_kubeconfig(kubeconfig(tmp_path / "config", {"token": "t"}))
    assert (config.server, config.namespace, config.token()) == ("http://127.0.0.1:1", "team-a", "t")


def test_a_token_file_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    config = from_kubeconfig(kubeconfig(tmp_path / "config", {"tokenFile": "token"}))
    assert config.token() == "t"


@pytest.mark.parametrize(
    ("user", "context", "says"),
    [
        pytest.param({"exec": {"command": "login"}}, None, "plugin", id="plugin"),
        pytest.param({}, "two", "no context 'two'", id="context"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(
    tmp_path: Path, user: dict[str, Any], context: str | None, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        from_kubeconfig(kubeconfig(tmp_path / "config", user), context)


def test_no_kubeconfig_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match="nowhere"):
        load()


def test_an_authority_that_is_none(tmp_path: Path) -> None:
    data = base64.b64encode(b"no certificate").decode()
    path = kubeconfig(tmp_path / "config", {}, server="https://x", **{"certificate-authority-data": data})
    with pytest.raises(ConfigError, match="certificate"):
        from_kubeconfig(path)
