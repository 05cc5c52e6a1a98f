"""Which size to train first on a recording of one's own: the small one, wherever it can be."""

from pathlib import Path

from neurokit.training.choices import is_simulated
from neurokit.training.system import System

SIZES = "size: small trains in minutes on a laptop; published, the default of your own recordings, in hours"


def first_size(system: System, folder: Path) -> list[str]:
    """The option of `train` for it, once a line says how long the sizes take.

    None for a simulated recording, of which small is the default, and where the files of one's own do not fit
    that size: then the line says what would.
    """
    if is_simulated("", folder, None):
        return []
    misfit: str = getattr(system, "explain_published_alone", lambda _: "")(folder)
    print(misfit or SIZES)
    return [] if misfit else ["--size", "small"]
