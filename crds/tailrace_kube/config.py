"""Where the API server is and how to prove who we are: in a pod, or from a kubeconfig file."""

import base64
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from ssl import CERT_NONE, SSLContext, create_default_context
from typing import Any

import yaml

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TOKEN_LIFETIME = 30.0
"""Seconds after which a token's file is read again: the kubelet rotates it in place."""


class ConfigError(Exception):
    """There is no way to reach an API server, and why."""


@dataclass(frozen=True)
class Config:
    """Everything a client needs; `token` is asked before every request, so that it may rotate."""

    server: str
    ssl: SSLContext | None = None
    token: Callable[[], str | None] = lambda: None
    namespace: str = "default"


class TokenFile:
    """A bearer token in a file, read again once it is older than half a minute."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._token: str | None = None
        self._read_at = 0.0

    def __call__(self) -> str:
        """The token; the last one known while the file cannot be read."""
        if self._token is None or self._clock() - self._read_at > TOKEN_LIFETIME:
            try:
                self._token = self._path.read_text().strip()
            except OSError:
                if self._token is None:
                    raise
            self._read_at = self._clock()
        return self._token


def load(kubeconfig: str | None = None, context: str | None = None) -> Config:
    """The named kubeconfig; else the pod's own account; else $KUBECONFIG; else ~/.kube/config.

    Raises ConfigError where none of them is there or the file cannot be used.
    """
    if kubeconfig is not None:
        return from_kubeconfig(Path(kubeconfig), context)
    if "KUBERNETES_SERVICE_HOST" in os.environ and (SERVICE_ACCOUNT / "token").exists():
        return in_cluster()
    named = os.environ.get("KUBECONFIG")
    path = Path(named.split(os.pathsep)[0]) if named else Path.home() / ".kube" / "config"
    return from_kubeconfig(path, context)


def in_cluster(
    *,
    server: str | None = None,
    token_file: Path = SERVICE_ACCOUNT / "token",
    ca_file: Path = SERVICE_ACCOUNT / "ca.crt",
    namespace: str | None = None,
) -> Config:
    """The account of the pod that this program runs in; other paths for a projected volume."""
    if server is None:
        host = os.environ["KUBERNETES_SERVICE_HOST"]
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    if namespace is None:
        file = SERVICE_ACCOUNT / "namespace"
        namespace = file.read_text().strip() if file.exists() else "default"
    trust = create_default_context(cafile=str(ca_file))
    return Config(server=server, ssl=trust, token=TokenFile(token_file), namespace=namespace)


def from_kubeconfig(path: Path, context: str | None = None) -> Config:
    """One context of a kubeconfig file: the named one, or the current one."""
    try:
        document = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read the kubeconfig {path}: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"the kubeconfig {path} is not a YAML mapping")

    chosen = _entry(document, "contexts", context or document.get("current-context") or "", path)["context"]
    cluster = _entry(document, "clusters", chosen["cluster"], path)["cluster"]
    user = _entry(document, "users", chosen["user"], path).get("user") or {}
    if "exec" in user or "auth-provider" in user:
        raise ConfigError(
            f"user {chosen['user']} in {path} logs in by a plugin: give a token or a certificate"
        )

    server = cluster["server"]
    try:
        trust = _trust(cluster, user, path.parent) if server.startswith("https://") else None
    except (OSError, ValueError) as error:
        raise ConfigError(f"the certificates that {path} names cannot be used: {error}") from error
    return Config(
        server=server.rstrip("/"),
        ssl=trust,
        token=_token(user, path.parent),
        namespace=chosen.get("namespace") or "default",
    )


def _entry(document: dict[str, Any], section: str, name: str, path: Path) -> dict[str, Any]:
    for item in document.get(section) or []:
        if item.get("name") == name:
            found: dict[str, Any] = item
            return found
    raise ConfigError(f"the kubeconfig {path} has no {section[:-1]} {name!r}")


def _token(user: dict[str, Any], base: Path) -> Callable[[], str | None]:
    if "tokenFile" in user:
        return TokenFile(base / user["tokenFile"])
    token: str | None = user.get("token")
    return lambda: token


def _trust(cluster: dict[str, Any], user: dict[str, Any], base: Path) -> SSLContext:
    authority = _data(cluster, "certificate-authority", base)
    trust = create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        trust.check_hostname = False
        trust.verify_mode = CERT_NONE
    certificate, key = _data(user, "client-certificate", base), _data(user, "client-key", base)
    if certificate and key:
        # Python loads a client's certificate from a file only; the directory is ours alone (0700).
        with tempfile.TemporaryDirectory() as directory:
            pair = Path(directory) / "client.pem"
            pair.write_bytes(certificate + b"\n" + key)
            trust.load_cert_chain(pair)
    return trust


def _data(section: dict[str, Any], key: str, base: Path) -> bytes | None:
    if f"{key}-data" in section:
        return base64.b64decode(str(section[f"{key}-data"]))
    if key in section:
        return (base / str(section[key])).read_bytes()
    return None
