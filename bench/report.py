"""From times to a table for people and a file for later comparison."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.operations import CHANGES, Bench

ORDER = (
    *("PUT", "GET", "poll", "listing", "sync, initial", "sync, no change", "sync, 1 change"),
    *(f"sync, {CHANGES} changes", f"multiget {CHANGES}"),
)


def milliseconds(bench: Bench, operation: str) -> float | None:
    """The median, or None when there is no time."""
    times = bench.times.get(operation)
    return median(times) * 1000 if times else None


def table(benches: list[Bench]) -> str:
    """One size: median wall milliseconds of each peer, and how many times davenport is faster."""
    size, ours = benches[0].size, benches[0]
    others = benches[1:]
    head = ["", *(bench.peer.name for bench in benches)]
    head += [f"{bench.peer.name} / {ours.peer.name}" for bench in others]
    rows = [head]
    for operation in ORDER:
        times = [milliseconds(bench, operation) for bench in benches]
        row = [operation, *("-" if time is None else f"{time:.2f}" for time in times)]
        row += [
            "-" if time is None or not times[0] else f"{time / times[0]:.1f} x"
            for time in times[1:]
        ]
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    notes = [
        f"  {bench.peer.name}: {operation}: {note}"
        for bench in benches
        for operation, note in bench.notes.items()
    ]
    return "\n".join([f"{size} objects, median ms", *lines, *notes])


def record(benches: list[Bench], rounds: int) -> dict[str, Any]:
    """Everything a later comparison needs."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "load": os.getloadavg(),
        },
        "rounds": rounds,
        "results": [
            {
                "peer": bench.peer.name,
                "version": bench.peer.version,
                "size": bench.size,
                "notes": bench.notes,
                "resident_bytes": bench.peer.resident(),
                "operations": {
                    operation: {
                        "median_ms": milliseconds(bench, operation),
                        "samples_ms": [round(time * 1000, 3) for time in times],
                    }
                    for operation, times in bench.times.items()
                },
            }
            for bench in benches
        ],
    }


def write(folder: Path, results: dict[str, Any]) -> Path:
    """Write one run's file and give its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{results['at'].replace(':', '').replace('+0000', 'Z')}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    return path
