"""Whether anything is lost: works killed, works that race, and what all checks cost.

    python benchmarks/reliability_proofs.py kills
    python benchmarks/reliability_proofs.py races
    python benchmarks/reliability_proofs.py cost

Each proof writes benchmarks/results/reliability_<proof>.json.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import torch

from record import save
from reliability import cost, kills, races

HITS, ROUNDS, PAIRS = 600, 20, 7


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Runs the proof that is named; returns the rows of its result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("proof", choices=["kills", "races", "cost"])
    parser.add_argument("--hits", type=int, default=HITS, help="kills that end a work, of all works together")
    parser.add_argument("--workers", type=int, default=2, help="processes that kill others")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each race")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="of trainings with and without checks")
    parser.add_argument("--epochs", type=int, help="of each training, in place of the system's own number")
    parser.add_argument("--short", action="store_true", help="only the beginnings of the two notebooks")
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    parser.add_argument("--only", nargs="*", default=(), help="works whose names hold one of these words")
    parser.add_argument("--no-file", action="store_true", help="write no result file")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = _run(options)
    if not options.no_file:
        save(f"reliability_{options.proof}", rows)
    return rows


def _run(options: argparse.Namespace) -> list[dict[str, Any]]:
    if options.proof == "cost":
        return cost.run(options.pairs, options.only, options.epochs)
    if options.proof == "kills":
        found: Sequence[Any] = kills.run(options.hits, options.seed, options.only, options.workers)
    else:
        found = races.run(options.rounds, short=options.short, only=options.only)
    return [each.row() for each in found]


if __name__ == "__main__":
    main()
