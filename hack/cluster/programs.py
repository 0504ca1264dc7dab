"""What a cluster runs and how it is built from source, each once for all clusters and checkouts."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cluster.golang import find_go
from common.archive import architecture
from common.cache import cache_directory, filling, key_of, lock
from common.console import step
from common.process import run

SOURCES = Path(__file__).parent / "go"
KUBERNETES = "v1.34.4"
KUBE_NAMES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)


@dataclass(frozen=True)
class Program:
    """Binaries that one call of the Go compiler makes.

    Either `module`, a directory of ours, or `install`, a package with its version.
    `links` maps the names under which they are called to the binaries.
    """

    name: str
    links: dict[str, str]
    module: Path | None = None
    packages: tuple[str, ...] = (".",)
    install: str = ""
    variables: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A digest of all that the binaries depend on."""
        words = [self.install, *self.packages, *self.variables, architecture()]
        return key_of(words, _sources(self.module) if self.module else ())

    @property
    def directory(self) -> Path:
        """Where the cache holds them."""
        return cache_directory() / "programs" / f"{self.name}-{self.key}"

    @property
    def built(self) -> bool:
        """Whether it holds all of them."""
        return all((self.directory / binary).exists() for binary in self.links.values())


def _version_variables() -> tuple[str, ...]:
    _, minor, _ = KUBERNETES.split(".")
    component = "k8s.io/component-base/version"
    return (
        f"{component}.gitVersion={KUBERNETES}",
        f"{component}.gitMajor=1",
        f"{component}.gitMinor={minor}",
        f"{component}.gitTreeState=clean",
        f"k8s.io/client-go/pkg/version.gitVersion={KUBERNETES}",
    )


KUBE = Program(
    "kubernetes",
    {**dict.fromkeys(KUBE_NAMES, "kube"), "kube": "kube", "pause": "pause"},
    module=SOURCES,
    packages=(".", "./pause"),
    variables=_version_variables(),
)
COREDNS = Program("coredns", {"coredns": "coredns"}, module=SOURCES / "coredns")
HELM = Program("helm", {"helm": "helm"}, install="helm.sh/helm/v4/cmd/helm@v4.3.1")
KIND = Program("kind", {"kind": "kind"}, install="sigs.k8s.io/kind@v0.33.0")
EVERYTHING = (KUBE, COREDNS, HELM)
API_ONLY = (KUBE,)
CLIENTS = (KUBE, HELM)


def tools_directory() -> Path:
    """The directory with a link to each program; another one as soon as a source changes."""
    return cache_directory() / "tools" / key_of(program.key for program in (*EVERYTHING, KIND))


def ensure(programs: Iterable[Program]) -> Path:
    """Build what is missing; the directory that holds it all."""
    tools = tools_directory()
    for one in programs:
        if one.built and all((tools / name).exists() for name in one.links):
            continue
        with lock(cache_directory() / "locks" / one.name):
            if not one.built:
                with step(f"build {one.name} (once; minutes)"):
                    _build(one)
            _link(one, tools)
    return tools


def _build(one: Program) -> None:
    flags = ["-trimpath", "-ldflags", " ".join(["-s -w", *(f"-X {v}" for v in one.variables)])]
    go = find_go()
    with filling(one.directory) as directory:
        environment = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOBIN": str(directory)}
        if one.module:
            command: list[str | Path] = [go, "build", *flags, "-o", f"{directory}/", *one.packages]
            run(command, environment=environment, directory=one.module)
        else:
            run([go, "install", *flags, one.install], environment=environment)


def _link(one: Program, tools: Path) -> None:
    tools.mkdir(parents=True, exist_ok=True)
    for name, binary in one.links.items():
        partial = tools / f".{name}.{os.getpid()}"
        partial.unlink(missing_ok=True)
        partial.symlink_to(one.directory / binary)
        partial.rename(tools / name)


def _sources(module: Path) -> list[Path]:
    """The files of a Go module, without those of modules inside of it."""
    files = []
    for directory, below, names in os.walk(module):
        below[:] = [name for name in below if not (Path(directory, name) / "go.mod").exists()]
        files += [Path(directory, name) for name in names if name.endswith((".go", ".mod", ".sum"))]
    return files
