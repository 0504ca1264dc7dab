"""Kubeconfigs, written as JSON, which is YAML too."""

import base64
import json
from pathlib import Path


def render(name: str, server: str, certificates: Path, user: str) -> str:
    """A kubeconfig that holds the certificates themselves, so that the file can be copied elsewhere."""

    def content(file: str) -> str:
        return base64.b64encode((certificates / file).read_bytes()).decode()

    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": name,
                    "cluster": {"server": server, "certificate-authority-data": content("ca.crt")},
                }
            ],
            "users": [
                {
                    "name": f"{name}-{user}",
                    "user": {
                        "client-certificate-data": content(f"{user}.crt"),
                        "client-key-data": content(f"{user}.key"),
                    },
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-{user}"}}],
            "current-context": name,
        },
        indent=2,
    )
