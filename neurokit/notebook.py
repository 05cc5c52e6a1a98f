"""What every notebook's first cell does: versions, device, threads, seed, figure style."""

import platform
import shlex
from importlib.metadata import requires
from typing import SupportsIndex

import numpy as np
import torch

from neurokit import __version__, settings
from neurokit.config import Seed, check_value
from neurokit.figures.style import use_style
from neurokit.training.device import choose_device


def setup(seed: SupportsIndex = 0, *, device: str = "auto") -> torch.device:
    """Prints what runs here, fixes threads and seeds, sets the figure style; returns the device.

    One thread, so that the numbers below a cell are the same on every machine to three digits.
    """
    torch.set_num_threads(1)
    torch.manual_seed(check_value("seed", seed, Seed))
    chosen = choose_device(device)
    use_style()
    print(
        f"neurokit {__version__} · Python {platform.python_version()} · torch {torch.__version__} · "
        f"numpy {np.__version__} · device {chosen} · source {settings.source()} · seed {seed}"
    )
    return chosen


def extra_requirements(extra: str) -> str:
    """What an extra of the installed package needs, as words for `%pip install`.

    The package itself is not among them: under its name an index may hold somebody else's.
    """
    lines = (line.replace('"', "'").split(";") for line in requires("neurokit-encoding") or ())
    wanted = f"extra == '{extra}'"
    return shlex.join(line[0].strip() for line in lines if wanted in line[-1])
