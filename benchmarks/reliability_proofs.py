"""Whether anything is lost: works killed, works that race, and what all checks cost.

    python benchmarks/reliability_proofs.py kills

Each proof writes benchmarks/results/reliability_<proof>.json.
"""

import argparse
from typing import Any

import torch

from record import save
from reliability import kills

HITS = 600


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Runs the proof that is named; returns the rows of its result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("proof", choices=["kills"])
    parser.add_argument("--hits", type=int, default=HITS, help="kills that end a work, of all works together")
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    parser.add_argument("--only", nargs="*", default=(), help="works whose names hold one of these words")
    parser.add_argument("--no-file", action="store_true", help="write no result file")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = [each.row() for each in kills.run(options.hits, options.seed, options.only)]
    if not options.no_file:
        save("reliability_kills", rows, seed=options.seed)
    return rows


if __name__ == "__main__":
    main()
