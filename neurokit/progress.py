"""Progress bars: in a terminal and in Jupyter, silent under CI."""

from typing import Any

from tqdm.auto import tqdm

from neurokit import settings


def progress(*args: Any, **options: Any) -> tqdm:
    """`tqdm(...)` with this project's defaults; `disable=True` hides one bar, CI hides all."""
    options["disable"] = bool(options.get("disable")) or settings.quiet()
    return tqdm(*args, leave=options.pop("leave", False), **options)
