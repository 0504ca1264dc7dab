"""Settings of the facade, from environment variables TAILRACE_…; what is wrong is named at start."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Settings(BaseSettings):
    """Everything that can be set; docs/design/facade.md lists them."""

    model_config = SettingsConfigDict(env_prefix="TAILRACE_", frozen=True, extra="ignore")

    namespace: Annotated[str, Field(description="Where the facade itself runs.")] = "tailrace"
    pod_ip: Annotated[str | None, Field(description="The pod's address; absent outside a cluster.")] = None
    service_name: Annotated[str, Field(description="The Service in front of the facade.")] = "tailrace"
    account: Annotated[str, Field(description="The service account that the facade runs as.")] = (
        "tailrace-api"
    )

    api_port: int = 8080
    probe_port: int = 8081
    metrics_port: int = 8082
    internal_port: int = 8443
    internal_host: Annotated[str, Field(description="Where the internal API listens.")] = "0.0.0.0"  # noqa: S104 - runners' pods call it, over TLS and with a token
    tls_cert: Path = Path("/etc/tailrace/tls/tls.crt")
    tls_key: Path = Path("/etc/tailrace/tls/tls.key")

    database_url: Annotated[str, Field(description="sqlite:///… or postgresql://…")] = (
        "sqlite:////var/lib/tailrace/tailrace.db"
    )
    encryption_keys: Annotated[
        Path, Field(description="Directory with one key a file, 32 bytes or base64.")
    ] = Path("/etc/tailrace/keys")
    kubeconfig: Annotated[str | None, Field(description="Outside a cluster: which kubeconfig.")] = None

    operator_account: Annotated[
        str | None,
        Field(description="The operator's user name; by default tailrace-operator in our namespace."),
    ] = None
    runner_account: str = "tailrace-runner"
    token_review_seconds: Annotated[
        float, Field(ge=1, description="How long a reviewed token is believed.")
    ] = 60

    default_namespace: Annotated[str, Field(description="Where a request without a namespace goes.")] = (
        "default"
    )
    workflowdev_hosts: Annotated[
        list[str], Field(description="Further values of the Host header that /api/v1 answers.")
    ] = []
    body_limit: Annotated[int, Field(ge=1024, description="Bytes of a request's body.")] = MIB
    output_limit: Annotated[int, Field(ge=1024, description="Bytes of one task's outputs.")] = 100 * MIB
    log_streams: Annotated[int, Field(ge=1, description="Log streams at the same time.")] = 200
    stop_seconds: Annotated[
        int,
        Field(ge=0, description="For requests under way at the end; less than runners go without a renewal."),
    ] = 3
    log_level: str = "info"

    @property
    def operator_user(self) -> str:
        """Who may use the operator's routes of the internal API."""
        return self.operator_account or f"system:serviceaccount:{self.namespace}:tailrace-operator"

    @property
    def own_hosts(self) -> frozenset[str]:
        """Host names under which workflowdev's routes answer: loopback, the Service, and those listed."""
        service = self.service_name
        names = {"localhost", "127.0.0.1", "::1", service}
        names |= {f"{service}.{self.namespace}{suffix}" for suffix in ("", ".svc", ".svc.cluster.local")}
        return frozenset(names | {name.lower() for name in self.workflowdev_hosts})
