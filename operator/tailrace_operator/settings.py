"""What the operator can be told, by environment variables with the prefix TAILRACE_."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """All settings; a list may be written with commas or as JSON."""

    model_config = SettingsConfigDict(env_prefix="TAILRACE_", extra="ignore", populate_by_name=True)

    pod_name: Annotated[str, Field(validation_alias=AliasChoices("POD_NAME", "HOSTNAME"))] = (
        "tailrace-operator"
    )
    namespace: Annotated[str, Field(validation_alias=AliasChoices("POD_NAMESPACE", "TAILRACE_NAMESPACE"))] = (
        "tailrace-system"
    )

    tenants: Annotated[list[str], NoDecode, Field(description="Namespaces to label as tenants.")] = []
    create_tenants: Annotated[bool, Field(description="Create those of `tenants` that do not exist.")] = False

    internal_url: str = "https://tailrace-internal.tailrace-system.svc:8443"
    internal_ca_file: Path = Path("/var/run/tailrace/internal-ca.crt")
    internal_token_file: Path = Path("/var/run/tailrace/internal-token")

    runner_image: str = "tailrace:latest"
    runner_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    runner_pull_secrets: Annotated[list[str], NoDecode] = []
    runner_resources: Annotated[dict[str, Any], Field(description="As in a container: requests, limits.")] = {
        "requests": {"cpu": "50m", "memory": "96Mi"},
        "limits": {"memory": "512Mi"},
    }
    runner_require_landlock: Annotated[
        bool, Field(description="Whether scripts fail where the kernel cannot confine them.")
    ] = False
    runner_internal_url: Annotated[
        str | None, Field(description="The internal API as runners reach it, where that differs.")
    ] = None
    runner_api_server: Annotated[
        str | None, Field(description="The API server as runners reach it, where not by its Service.")
    ] = None

    ttl_seconds_after_finished: Annotated[int, Field(ge=0)] = 3600
    max_lost_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    renewal_grace: Annotated[
        float, Field(gt=0, description="Seconds without renewal that a claim lives.")
    ] = 30
    cancel_grace: Annotated[
        float, Field(ge=0, description="Seconds that a runner has to cancel by itself.")
    ] = 30
    run_workers: Annotated[int, Field(ge=1, le=256)] = 16

    lease_name: str = "tailrace-operator"
    lease_seconds: Annotated[int, Field(ge=5)] = 60
    lease_renew_seconds: Annotated[float, Field(gt=0)] = 5
    lease_retry_seconds: Annotated[float, Field(gt=0)] = 1

    port: Annotated[int, Field(ge=0, le=65535, description="Health and metrics; 0: any free port.")] = 8081
    watch_timeout: Annotated[
        float, Field(gt=0, description="Seconds of silence after which a watch is dead.")
    ] = 75
    liveness_timeout: Annotated[
        float, Field(gt=0, description="Seconds of silence that end the process.")
    ] = 240
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("tenants", "runner_pull_secrets", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return json.loads(value)
        return [item.strip() for item in value.split(",") if item.strip()]
