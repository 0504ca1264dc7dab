"""kubectl and helm, bound to one cluster."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.process import run


@dataclass(frozen=True)
class Kubernetes:
    """One cluster as the two programs reach it: a kubeconfig's context, or its current one."""

    tools: Path
    kubeconfig: Path | None = None
    context: str | None = None

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """The output; ToolError with what kubectl said where it fails."""
        return run(self.kubectl_command(*arguments), environment=self._environment, stdin=stdin)

    def kubectl_command(self, *arguments: str) -> list[str]:
        """For a process that is not just waited for; start it with `environment`."""
        chosen = [f"--context={self.context}"] if self.context else []
        return [str(self.tools / "kubectl"), *chosen, *arguments]

    def get(self, *arguments: str) -> Any:
        """The output of `kubectl get … -o json`."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def helm(self, *arguments: str) -> str:
        """The output; ToolError with what helm said where it fails."""
        return run(self._helm_command(*arguments), environment=self._environment)

    def finds(self, *arguments: str) -> bool:
        """Whether helm succeeds."""
        command = self._helm_command(*arguments)
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False)
        return done.returncode == 0

    @property
    def environment(self) -> dict[str, str]:
        """A process' whole environment."""
        return {**os.environ, **self._environment}

    @property
    def _environment(self) -> Mapping[str, str]:
        return {"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}

    def _helm_command(self, *arguments: str) -> list[str]:
        chosen = [f"--kube-context={self.context}"] if self.context else []
        return [str(self.tools / "helm"), *chosen, *arguments]
