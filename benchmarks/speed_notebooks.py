"""How long all numbered notebooks take on the demo source, two side by side, from an empty data folder.

    python benchmarks/speed_notebooks.py

The aim is five minutes on two cores for all eleven, none above two minutes or 1.5 GB. Simulating the
recordings is part of the time.
"""

import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from paired import machine, options, processor
from record import save

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from run_notebooks import Run, numbered, run, run_all, set_environment, table  # noqa: E402

AIM, LONGEST, LARGEST = 300, 120, 1500  # s of all, s and MB of each


def main(arguments: list[str] | None = None, folder: Path = ROOT / "notebooks") -> list[dict[str, Any]]:
    """Seconds and peak memory of each notebook, and the seconds of all."""
    asked = options(__doc__, arguments)
    notebooks = numbered(folder)[: 1 if asked.quick else None]
    with tempfile.TemporaryDirectory() as made:
        os.environ["NEUROKIT_DATA"] = made
        set_environment(Path(made) / "build", quiet=True)
        start = time.perf_counter()
        runs = run_all(notebooks, partial(run, build=Path(made), in_place=False, timeout=600), workers=2)
        seconds = time.perf_counter() - start
    print(table(runs))
    print(f"all: {seconds:.0f} s, aim {AIM} s{'' if seconds <= AIM else ', MISSED'}")
    for each in runs:
        if each.seconds > LONGEST or each.peak > LARGEST:
            print(f"{each.notebook.stem}: {each.seconds:.0f} s, {each.peak:.0f} MB, MISSED")
    failed = [each.notebook.name for each in runs if each.failure]
    assert not failed, f"{', '.join(failed)} failed"
    rows = [_row(each) for each in runs] + [{"work": "all", "seconds": round(seconds), "aim": AIM}]
    if not asked.quick:
        save(f"speed_notebooks-{machine()}", rows, processor=processor(), side_by_side=2)
    return rows


def _row(a_run: Run) -> dict[str, Any]:
    return {"work": a_run.notebook.stem, "seconds": round(a_run.seconds), "peak_mb": round(a_run.peak)}


if __name__ == "__main__":
    main()
