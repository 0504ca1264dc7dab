"""`tailrace`: execute flows here, and check documents before a cluster sees them."""

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from tailrace_cli import documents, runner, show
from tailrace_plugins import catalogue

FAILED, BAD_INPUT = 1, 2

app = typer.Typer(
    name="tailrace",
    help="Workflows on Kubernetes, and on this machine.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


@app.command()
def run(
    flow: Annotated[str, typer.Argument(help="A file with one Flow; - for standard input.", metavar="FLOW")],
    input: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(help="An input, name=value; JSON values keep their type.", metavar="NAME=VALUE"),
    ] = None,
    inputs: Annotated[
        Path | None, typer.Option(help="A JSON file with all inputs; --input goes above it.")
    ] = None,
    credential: Annotated[
        list[str] | None,
        typer.Option(help="A credential from a variable of the environment.", metavar="NAME=env:VAR"),
    ] = None,
    credentials: Annotated[
        Path | None, typer.Option(help="A YAML file of credentials: NAME: value, or {value, hosts}.")
    ] = None,
    kv: Annotated[
        Path | None,
        typer.Option(help="A JSON file for the key-value store; without it, it lasts for this run."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print events as JSON lines.")] = False,
) -> None:
    """Execute a flow on this machine, with no cluster at all.

    Exit codes: 0 succeeded, 1 failed, 2 bad input, 130 cancelled with Ctrl-C.
    """
    try:
        content = _one_flow(flow)
        given = runner.read_inputs(input or [], inputs, documents.input_types(content))
    except ValueError as error:
        _fail(str(error), BAD_INPUT)
    options = [part for item in credential or [] for part in ("--credential", item)]
    options += ["--credentials", str(credentials)] if credentials is not None else []
    options += ["--kv", str(kv)] if kv is not None else []
    raise typer.Exit(runner.run(content, given, options, _display(as_json=as_json)))


@app.command()
def validate(
    files: Annotated[
        list[str], typer.Argument(help="YAML or JSON; - for standard input.", metavar="FILE...")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print problems as JSON.")] = False,
) -> None:
    """Say what the operator would say to Flows, Triggers, Credentials and Runs; exit 1 on a problem."""
    reports = [report for file in files for report in _reports(file)]
    if as_json:
        typer.echo(json.dumps(reports, indent=2, ensure_ascii=False))
    else:
        for report in reports:
            _print_report(report)
    raise typer.Exit(FAILED if any(report["problems"] for report in reports) else 0)


@app.command()
def plugins(
    plugin: Annotated[
        str | None, typer.Argument(help="One task type, such as http.request.", metavar="ID")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print manifests as JSON.")] = False,
) -> None:
    """The task types: all of them, or one with its properties."""
    if plugin is not None:
        _one_plugin(plugin, as_json=as_json)
        return
    manifests = catalogue.all()
    if as_json:
        typer.echo(
            json.dumps([manifest.model_dump(mode="json", by_alias=True) for manifest in manifests], indent=2)
        )
        return
    rows = [(manifest.id, manifest.name, manifest.description) for manifest in manifests]
    show.table(("ID", "NAME", "DESCRIPTION"), rows)


@app.command()
def version() -> None:
    """The version of this program."""
    try:
        typer.echo(importlib.metadata.version("tailrace"))
    except importlib.metadata.PackageNotFoundError:
        typer.echo("a checkout that is not installed")


def _one_flow(file: str) -> dict[str, Any]:
    """A Flow to execute; ValueError lists what is wrong."""
    found, problems = documents.read(_text(file))
    if not problems and len(found) != 1:
        raise ValueError(f"{file}: has {len(found)} documents; one Flow is expected")
    for document in found:
        problems = problems or document.problems
        if document.kind != "Flow":
            raise ValueError(f"{file}: is a {document.kind}; a Flow is expected")
    if problems:
        raise ValueError("\n".join(f"{file}: {problem}" for problem in problems))
    return documents.flow_of(found[0].content)


def _reports(file: str) -> list[dict[str, object]]:
    try:
        found, problems = documents.read(_text(file))
    except ValueError as error:
        return [_report(file, "", "", [{"path": "", "message": str(error)}])]
    if problems:
        return [_report(file, "", "", [problem.as_dict() for problem in problems])]
    return [
        _report(file, document.kind, document.name, [problem.as_dict() for problem in document.problems])
        for document in found
    ]


def _report(file: str, kind: str, name: str, problems: list[dict[str, str]]) -> dict[str, object]:
    return {"file": file, "kind": kind, "name": name, "problems": problems}


def _print_report(report: dict[str, object]) -> None:
    where = " ".join(
        part for part in (f"{report['file']}:", str(report["kind"]), str(report["name"])) if part
    )
    problems = report["problems"]
    if not problems:
        typer.echo(f"{where} is valid")
        return
    typer.echo(where, err=True)
    for problem in problems if isinstance(problems, list) else []:
        place = f"{problem['path']}: " if problem["path"] else ""
        typer.echo(f"  {place}{problem['message']}", err=True)


def _one_plugin(plugin: str, *, as_json: bool) -> None:
    try:
        manifest = catalogue.get(plugin).manifest()
    except LookupError as error:
        _fail(str(error), FAILED)
    if as_json:
        typer.echo(json.dumps(manifest.model_dump(mode="json", by_alias=True), indent=2))
        return
    typer.echo(f"{manifest.id}: {manifest.description}")
    for title, schema in (("Properties", manifest.input_schema), ("Outputs", manifest.output_schema)):
        required = set(schema.get("required") or ()) if title == "Properties" else set()
        rows = [
            (f"  {name}", "required" if name in required else "", str(field.get("description", "")))
            for name, field in (schema.get("properties") or {}).items()
        ]
        if rows:
            typer.echo(f"\n{title}")
            show.table((), rows)
    typer.echo(f"\nExample\n{json.dumps(manifest.example, indent=2, ensure_ascii=False)}")


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{file}: is not UTF-8") from None
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None


def _display(*, as_json: bool) -> runner.Display:
    if as_json:
        return show.JsonLines()
    console = show.console()
    return show.LiveTable(console) if console.is_terminal else show.PlainLines()


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
