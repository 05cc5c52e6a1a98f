"""Which size to train first on a recording of one's own: the small one, wherever it can be."""

from pathlib import Path

from neurokit.training.choices import is_simulated
from neurokit.training.system import System

SIZES = "size: small trains in minutes on a laptop; published, the default of your own recordings, in hours"


def first_size(system: System, folder: Path) -> tuple[str, list[str]]:
    """A line on how long the sizes take, and the option of `train` for the small one.

    Neither for a simulated recording, of which small is the default; no option where the files of one's own
    do not fit that size: then the line says what would.
    """
    if is_simulated("", folder, None):
        return "", []
    misfit: str = getattr(system, "explain_published_alone", lambda _: "")(folder)
    return (misfit, []) if misfit else (SIZES, ["--size", "small"])
