"""Progress bars, and what is said beside them: in a terminal and in Jupyter, silent under CI."""

import sys
from typing import Any

from tqdm.auto import tqdm

from neurokit import settings


def progress(*args: Any, **options: Any) -> tqdm:
    """`tqdm(...)` with this project's defaults; `disable=True` hides one bar, CI hides all."""
    options["disable"] = bool(options.get("disable")) or settings.quiet()
    return tqdm(*args, leave=options.pop("leave", False), **options)


def announce(sentence: str) -> None:
    """Prints a sentence on stderr, above the progress bars; nothing where bars are hidden."""
    if not settings.quiet():
        tqdm.write(sentence, file=sys.stderr)
