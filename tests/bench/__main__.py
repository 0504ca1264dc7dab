"""`make bench`: what a Run costs, next to a bare Job of the same image on the same cluster in the same run.

Arms are interleaved. All times are taken on one machine: the submit by this program, the user code's first
instruction by the user code itself, the end when a watch shows it.
"""

import argparse
import asyncio
import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from arms import Arm, BareJob, TailraceRun
from measures import Summary, summarise
from rich.console import Console
from rich.table import Table

from tailrace_kube.client import Client
from tailrace_kube.config import load

NAMESPACE = "default"
console = Console()


async def latency(arms: list[Arm], repetitions: int) -> dict[str, dict[str, Summary]]:
    """Submit to user code and submit to terminal, each arm in turn."""
    to_code: dict[str, list[float]] = {arm.name: [] for arm in arms}
    to_end: dict[str, list[float]] = {arm.name: [] for arm in arms}
    for number in range(repetitions + 1):
        for arm in arms:
            code, end = await arm.once()
            if number:
                to_code[arm.name].append(code)
                to_end[arm.name].append(end)
        console.print(f"  repetition {number} of {repetitions}", end="\r")
    return {
        "submit to user code": {name: summarise(samples) for name, samples in to_code.items()},
        "submit to terminal": {name: summarise(samples) for name, samples in to_end.items()},
    }


async def drain(arms: list[Arm], count: int) -> dict[str, Any]:
    """`count` at once: seconds until the last has ended, and cluster writes for each."""
    seconds, writes = {}, {}
    for arm in arms:
        before = await arm.writes()
        seconds[arm.name] = await arm.drain(count)
        await asyncio.sleep(5)
        made = await arm.writes() - before
        writes[arm.name] = {what: number / count for what, number in made.most_common()}
        console.print(f"  {arm.name}: {count} in {seconds[arm.name]:.1f} s")
    return {"seconds": seconds, "writes": writes}


def own(writes: dict[str, float]) -> float:
    """Of a Run's writes, those that Tailrace makes: its Job, the statuses, one Event at the end."""
    statuses = sum(
        number for what, number in writes.items() if what.endswith(("runs/status", "flows/status"))
    )
    return statuses + writes.get("POST jobs", 0) + 1


def show(results: dict[str, Any], bare: str, run: str) -> None:
    """The table that a person reads."""
    table = Table("measure", bare, run, "ratio", "difference")
    for measure, by_arm in results["latency"].items():
        for part in ("median", "p95"):
            a, b = (getattr(by_arm[name], part) for name in (bare, run))
            table.add_row(
                f"{measure}, {part}",
                f"{a * 1000:.0f} ms",
                f"{b * 1000:.0f} ms",
                f"{b / a:.2f}",
                f"{(b - a) * 1000:+.0f} ms",
            )
    seconds, writes = results["drain"]["seconds"], results["drain"]["writes"]
    a, b = seconds[bare], seconds[run]
    table.add_row("all drained", f"{a:.1f} s", f"{b:.1f} s", f"{b / a:.2f}", f"{b - a:+.1f} s")
    a, b = sum(writes[bare].values()), sum(writes[run].values())
    table.add_row("cluster writes for each", f"{a:.1f}", f"{b:.1f}", f"{b / a:.2f}", f"{b - a:+.1f}")
    console.print(table)
    console.print(f"writes a Run of our own: {own(writes[run]):.1f}")


async def output(*command: str) -> str:
    """A command's standard output."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    text, _ = await process.communicate()
    return text.decode()


async def main() -> int:
    """Run the arms, print the table, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--context")
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--drain", type=int, default=60)
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    where = ["--kubeconfig", options.kubeconfig] + (["--context", options.context] if options.context else [])

    async def metrics() -> str:
        return await output(options.kubectl, *where, "get", "--raw", "/metrics")

    async with Client(load(options.kubeconfig, options.context)) as kube:
        bare, run = BareJob(kube, NAMESPACE, metrics), TailraceRun(kube, NAMESPACE, metrics)
        arms: list[Arm] = [bare, run]
        try:
            for arm in arms:
                await arm.prepare()
            console.print(f"{options.repetitions} repetitions of each arm, interleaved")
            measured = await latency(arms, options.repetitions)
            console.print(f"{options.drain} at once, one arm after the other")
            drained = await drain(arms, options.drain)
        finally:
            for arm in arms:
                await arm.clean()
    results = {"machine": platform.processor() or platform.machine(), "latency": measured, "drain": drained}
    show(results, bare.name, run.name)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, default=asdict, indent=2) + "\n")
    console.print(f"all samples' summaries: {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
