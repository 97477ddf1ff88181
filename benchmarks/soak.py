"""A stream on a Flink cluster for a while, and what it takes minute by minute.

`python -m benchmarks.soak --minutes 20` starts broker, S3 server and cluster, produces steadily,
and prints for each minute the size of the last checkpoint, memory and open files of each process,
and how many objects were put. It ends with the law of delivery.
"""

import argparse
import tempfile
import time
from http.client import OK
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from examples.termination import end_in_order
from tests.engines.health import resident_kib
from tests.engines.left import check_law
from tests.engines.ordeal import Ordeal

_MIB: Final = 2**20
_KIB: Final = 2**10


def open_files(pid: int) -> int:
    """How many files, sockets among them, a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def minute(ordeal: Ordeal) -> dict[str, str]:
    """What the job takes now, by column."""
    kept = ordeal.checkpoints()
    row = {
        "checkpoints": f"{kept.completed} ({kept.failed} failed)",
        "checkpoint KiB": f"{kept.size_bytes / _KIB:.0f}",
    }
    workers = []
    for name, pid in sorted(ordeal.cluster.pids().items()):
        found = f"{resident_kib(pid) / _KIB:.0f} MiB, {open_files(pid)}"
        if name.startswith("worker-") and name != "worker-pool":
            workers.append(found)
        elif name in {"task-manager-0", "job-manager"}:
            row[name] = found
    row["workers"] = "; ".join(workers)
    row["puts"] = f"{sum(each.status == OK for each in ordeal.faults.requests):,}"
    return row


def main() -> None:
    """Runs it and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=20)
    options, more = parser.parse_known_args()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    screen = Console(width=200, highlight=False)
    rows: list[dict[str, str]] = []
    with (
        S3Server() as server,
        KafkaBroker() as broker,
        Ordeal(server, broker, folder, "soak", *more) as ordeal,
    ):
        begun = time.monotonic()
        for number in range(1, options.minutes + 1):
            time.sleep(max(0.0, begun + 60 * number - time.monotonic()))
            rows.append({"minute": str(number), **minute(ordeal)})
            screen.print(" | ".join(f"{name} {value}" for name, value in rows[-1].items()))
        left = ordeal.finish()
        check_law(left, ordeal.steady)
        screen.print(_table(rows))
        screen.print(f"{ordeal.steady.produced:,} events; the law of delivery holds")
        assert not left.orphans()  # noqa: S101 - with stable input


def _table(rows: list[dict[str, str]]) -> Table:
    table = Table(*rows[0], title="memory in MiB, open files")
    for row in rows:
        table.add_row(*row.values())
    return table


if __name__ == "__main__":
    end_in_order()
    main()
