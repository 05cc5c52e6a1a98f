"""Trained models of simulated mice that come with the package, so that a lesson can use a good one at once.

`python tools/train_shipped.py` makes them, and README.md beside this module says of what. Each is a
checkpoint: its side-car holds config, seed, history, and the scores that it was shipped with.
`load_pretrained` opens them by name.
"""

from pathlib import Path

FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The names of all of them."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.safetensors")))


def path_of(name: str) -> Path:
    """The checkpoint of a name that `names` has, without suffix."""
    return FOLDER / name
