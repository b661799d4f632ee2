"""`python bench`: davenport beside Radicale and Xandikos, one run, one machine, the same data."""

import argparse
import sys
import tempfile
from pathlib import Path

if __package__ in {None, ""}:  # run as `python bench`: the folder itself is on the path
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench import operations, report
from bench.peers import START, Peer, running


def measured(peers: list[Peer], size: int, rounds: int) -> list[operations.Bench]:
    """Seed every peer with `size` objects and run all operations, the peers in turn."""
    benches = []
    for peer in peers:
        print(f"{size} objects into {peer.name} …", file=sys.stderr, flush=True)
        benches.append(operations.start(peer, size))
    for operation in operations.series(rounds):
        for bench in benches:
            operation(bench)
    return benches


def arguments() -> argparse.Namespace:
    """What was asked on the command line."""
    parser = argparse.ArgumentParser(prog="python bench", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000", help="objects, such as 1000,10000")
    parser.add_argument("--rounds", type=int, default=5, help="times each read is measured")
    parser.add_argument(
        "--peers", default=",".join(START), help="the first is compared with the others"
    )
    parser.add_argument("--folder", type=Path, help="where the servers keep their data")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


def main() -> int:
    """Run, print a table a size, write one file; 1 when an answer was wrong."""
    options = arguments()
    sizes = [int(size) for size in options.sizes.split(",")]
    every: list[operations.Bench] = []
    with tempfile.TemporaryDirectory(prefix="davenport-bench-") as temporary:
        folder = options.folder or Path(temporary) / "servers"
        with running(options.peers.split(","), folder) as peers:
            for size in sizes:
                try:
                    benches = measured(peers, size, options.rounds)
                except operations.WrongAnswerError as wrong:
                    print(f"wrong answer: {wrong}", file=sys.stderr)
                    return 1
                print(report.table(benches), flush=True)
                print()
                every += benches
            path = report.write(options.results, report.record(every, options.rounds))
    print(f"written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
