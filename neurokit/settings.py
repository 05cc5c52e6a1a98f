"""The environment variables; no other module reads them.

NEUROKIT_SOURCE      demo (default, simulated), cutout (small, real, in the package), full (downloads)
NEUROKIT_DATA        folder for downloads and simulated recordings (default: the user's cache folder)
NEUROKIT_REAL_DATA   folder of small real recordings that may not come with the package, read only
NEUROKIT_BUILD       folder for output of notebooks (default: NEUROKIT_DATA)
NEUROKIT_QUIET       1 hides progress bars; CI=true does the same
NEUROKIT_PAGES       1 draws a picture with sliders once, for a page on which nobody moves them
NEUROKIT_FAST        1 trains SENSORIUM models with compiled kernels (extra `fast`, CPU only)
NEUROKIT_KEEP_MEMORY 1 lets a training process reuse the memory that it frees (neurokit.training.device)
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args

from platformdirs import user_cache_path

from neurokit.errors import SettingsError

Source = Literal["demo", "cutout", "full"]
SOURCES: tuple[Source, ...] = get_args(Source)
SYSTEMS = {  # name: what it models
    "pupil-encoder": "regional firing rates from pupil and behaviour (Steinmetz et al., 2019)",
    "sensorium": "responses to natural images (SENSORIUM 2022, Willeke et al.)",
    "v1-transformer": "responses to natural movies and running (Allen Brain Observatory)",
    "digital-twin": "responses to video, eye and running, with a core that transfers (Wang et al., 2025)",
}
YES, NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


def source() -> Source:
    """Where recordings come from: NEUROKIT_SOURCE.

    Raises SettingsError for any other word, and where NEUROKIT_TIER is set.
    """
    if before := os.environ.get("NEUROKIT_TIER"):
        raise SettingsError(f"NEUROKIT_TIER is {before!r}; set NEUROKIT_SOURCE instead.")
    found = os.environ.get("NEUROKIT_SOURCE", "demo").strip().lower()
    if found not in SOURCES:
        raise SettingsError(f"NEUROKIT_SOURCE is {found!r}; set it to one of {', '.join(SOURCES)}.")
    return found


def check_source(name: str | None = None) -> Source:
    """The source of that name, or that of NEUROKIT_SOURCE for None; raises SettingsError for any other word.

    Loaders call this before they branch, so that no typo starts a download.
    """
    if name is None:
        return source()
    if name not in SOURCES:
        raise SettingsError(f"There is no source {name!r}; use one of {', '.join(SOURCES)}.")
    return SOURCES[SOURCES.index(name)]


@contextmanager
def use_source(name: str | None) -> Iterator[None]:
    """Sets the source inside; None leaves it unchanged. Raises SettingsError for another word."""
    before = os.environ.get("NEUROKIT_SOURCE")
    os.environ.update({"NEUROKIT_SOURCE": check_source(name)} if name is not None else {})
    try:
        yield
    finally:
        os.environ.pop("NEUROKIT_SOURCE", None)
        os.environ.update({"NEUROKIT_SOURCE": before} if before is not None else {})


def no_such_system(name: str) -> SettingsError:
    """The error for a name that is no system, with the one that may be meant."""
    near = get_close_matches(name.replace("_", "-"), SYSTEMS, 1)
    meant = f"did you mean {near[0]}? The systems are" if near else "use one of"
    return SettingsError(f"There is no system {name!r}; {meant} {', '.join(SYSTEMS)}.")


def data_folder() -> Path:
    """The folder of downloads and simulated recordings, absolute; not created here."""
    found = os.environ.get("NEUROKIT_DATA")
    return Path(found).expanduser().absolute() if found else user_cache_path("neurokit")


def build_folder() -> Path:
    """The folder for output of notebooks, such as a submission; absolute, not created here."""
    found = os.environ.get("NEUROKIT_BUILD")
    return Path(found).expanduser().absolute() if found else data_folder()


def real_data_folder() -> Path:
    """The folder of small real recordings that may not come with the package, absolute.

    Raises SettingsError where there is none.
    """
    found = os.environ.get("NEUROKIT_REAL_DATA")
    if not found:
        raise SettingsError(
            "This real recording does not come with the package: set NEUROKIT_REAL_DATA to the folder that "
            "holds it; neurokit.recordings.example opens those that do."
        )
    folder = Path(found).expanduser().absolute()
    if not folder.is_dir():
        finding = f"NEUROKIT_REAL_DATA is {folder}, which is not a folder"
        raise SettingsError(f"{finding}: set it to an existing one.")
    return folder


def quiet() -> bool:
    """Whether to hide progress bars: NEUROKIT_QUIET=1, or a CI run."""
    return _on("NEUROKIT_QUIET") or os.environ.get("CI", "").strip().lower() not in NO


def pages() -> bool:
    """Whether notebooks become pages, on which no slider can be moved: NEUROKIT_PAGES=1."""
    return _on("NEUROKIT_PAGES")


def fast() -> bool:
    """Whether to train SENSORIUM models with the optional kernels: NEUROKIT_FAST=1."""
    return _on("NEUROKIT_FAST")


def keep_memory() -> bool:
    """Whether a training process reuses the memory that it frees: NEUROKIT_KEEP_MEMORY=1."""
    return _on("NEUROKIT_KEEP_MEMORY")


def _on(name: str) -> bool:
    """Whether a switch is on; raises SettingsError for any word but yes or no."""
    found = os.environ.get(name, "").strip().lower()
    if found not in (*YES, *NO):
        raise SettingsError(f"{name} is {found!r}; set it to 1 or 0.")
    return found in YES
