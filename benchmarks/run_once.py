"""Results of single jobs, saved in the data folder so that a broken-off study resumes."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from neurokit import settings
from neurokit.files.atomic import atomic_write
from record import code_version


def run_once(study: str, job: dict[str, Any], run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `run` gave for this job and this code before, else what it gives now; both JSON."""
    name = json.dumps([code_version(), job], sort_keys=True)
    folder = settings.data_folder() / "benchmarks" / study
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
    if path.is_file():
        return json.loads(path.read_text())
    found = job | run()
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(found))
    return found
