"""What the pod tells the runner: its environment and the files mounted into it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/var/run/tailrace")
WORK = Path("/tmp")  # noqa: S108 - the pod's own emptyDir, alone writable


@dataclass(frozen=True, slots=True)
class Settings:
    """Who this pod is, and where its servers are."""

    pod: str
    namespace: str
    pod_uid: str
    internal_url: str
    api_server: str
    mount: Path = MOUNT
    workdir: Path = WORK
    assignment_timeout: float = 600.0
    renew_every: float = 5.0
    fence_after: float = 20.0

    @property
    def token(self) -> Path:
        """The token for the API server."""
        return self.mount / "token"

    @property
    def internal_token(self) -> Path:
        """The token for the internal API."""
        return self.mount / "internal-token"

    @property
    def kube_ca(self) -> Path:
        """Who may be the API server."""
        return self.mount / "kube-ca.crt"

    @property
    def internal_ca(self) -> Path:
        """Who may be the internal API."""
        return self.mount / "internal-ca.crt"


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this pod; ValueError names every variable that is missing."""
    required = ("POD_NAME", "POD_NAMESPACE", "POD_UID", "TAILRACE_INTERNAL_URL")
    missing = [name for name in required if not environment.get(name)]
    api_server = environment.get("TAILRACE_API_SERVER") or _in_cluster(environment)
    if not api_server:
        missing.append("TAILRACE_API_SERVER")
    if missing:
        raise ValueError(f"not set: {', '.join(missing)} (see docs/runner.md)")
    return Settings(
        pod=environment["POD_NAME"],
        namespace=environment["POD_NAMESPACE"],
        pod_uid=environment["POD_UID"],
        internal_url=environment["TAILRACE_INTERNAL_URL"],
        api_server=api_server,
        mount=Path(environment.get("TAILRACE_MOUNT", str(MOUNT))),
        workdir=Path(environment.get("TAILRACE_WORKDIR", str(WORK))),
        assignment_timeout=float(environment.get("TAILRACE_ASSIGNMENT_TIMEOUT", "600")),
        renew_every=float(environment.get("TAILRACE_RENEW_EVERY", "5")),
        fence_after=float(environment.get("TAILRACE_FENCE_AFTER", "20")),
    )


def _in_cluster(environment: Mapping[str, str]) -> str:
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    if not host:
        return ""
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
