"""The first cell of every notebook: versions, device, threads, seed, figure style."""

import platform
import shlex
from importlib.metadata import requires
from typing import SupportsIndex

import numpy as np
import torch

from neurokit import __version__, settings
from neurokit.arguments import explain_failure
from neurokit.config import Seed, check_value
from neurokit.figures.style import use_style
from neurokit.training.device import choose_device


@explain_failure
def setup(seed: SupportsIndex = 0, *, device: str = "auto") -> torch.device:
    """Prints versions, sets threads, seed and figure style, and returns the device.

    It uses one thread, so that numbers agree between machines to three digits.
    """
    torch.set_num_threads(1)
    torch.manual_seed(check_value("seed", seed, Seed))
    target = choose_device(device)
    use_style()
    print(
        f"neurokit {__version__} · Python {platform.python_version()} · torch {torch.__version__} · "
        f"numpy {np.__version__} · device {target} · source {settings.source()} · seed {seed}"
    )
    return target


def extra_requirements(extra: str) -> str:
    """The requirements of an extra of the installed package, as arguments for `%pip install`.

    They exclude the package itself, whose name may belong to another package on an index.
    """
    lines = (line.replace('"', "'").split(";") for line in requires("neurokit-encoding") or ())
    wanted = f"extra == '{extra}'"
    return shlex.join(line[0].strip() for line in lines if wanted in line[-1])
