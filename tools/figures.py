"""Draws the pictures of README and book/ into figures/, from the demo source and result files.

python tools/figures.py              all of them, as `make figures` does
python tools/figures.py pays_04      one
"""

import argparse
from functools import partial
from pathlib import Path

import figure_cell
import figure_discs
import figure_families
import figure_growth
import figure_movies
import figure_pays
import figure_pupil
import figure_real
import figure_recording
import figure_sensorium
import figure_start
import figure_twins
import figure_watching
from neurokit.notebook import setup

FOLDER = Path(__file__).resolve().parent.parent / "figures"
PICTURES = {
    "pupil_encoder": figure_pupil.draw,
    "encoder_families": figure_families.draw,
    "sensorium": figure_sensorium.draw,
    "sensorium_ladder": figure_sensorium.draw_ladders,
    "v1_cell": figure_cell.draw,
    "v1_transformer": figure_movies.draw,
    "digital_twins": figure_twins.draw,
    "growth": figure_growth.draw,
    "real_sessions": figure_real.draw_sessions,
    "real_ibl": figure_real.draw_ibl,
    "real_movie": figure_real.draw_movie,
    "real_networks": figure_real.draw_networks,
    "real_gratings": figure_real.draw_gratings,
    "real_ramp": figure_real.draw_ramp,
    "simulation_beside_reality": figure_real.draw_reality,
    "recording": figure_recording.draw,
    "start": figure_start.draw,
    "discs": figure_discs.draw,
    **{
        file.stem: partial(figure_pays.draw, file.stem[-2:])
        for file in sorted(figure_pays.RESULTS.glob("pays_*.json"))
    },
}
MOVING = {"watching": figure_watching.write}


def main(arguments: list[str] | None = None) -> None:
    """Draws those that are named, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*PICTURES, *MOVING, []], help="default: all")
    FOLDER.mkdir(exist_ok=True)
    for name in parser.parse_args(arguments).names or [*PICTURES, *MOVING]:
        setup(seed=0, device="cpu")
        path = FOLDER / f"{name}.{'gif' if name in MOVING else 'png'}"
        if name in MOVING:
            MOVING[name](path)
        else:
            PICTURES[name]().savefig(path)
        print(f"wrote figures/{path.name}")


if __name__ == "__main__":
    main()
