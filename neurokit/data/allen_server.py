"""The Allen Institute's server, as AllenSDK asks it: every wait has an end, every error is a sentence."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import h5py
import requests

from neurokit.errors import FetchError, NeurokitError
from neurokit.progress import progress

CHUNK = 1 << 18  # bytes
TIMEOUT = (10.0, 60.0)  # s to connect to the server, and between two pieces of its answer

Answer = TypeVar("Answer")


def server_api() -> Any:
    """AllenSDK's access to the server, without a query that is not needed and waits without an end.

    AllenSDK must have been imported by `import_allensdk` before.
    """
    base = importlib.import_module("allensdk.api.queries.brain_observatory_api").BrainObservatoryApi

    class PatientApi(base):
        def template_query(self, template_name: str, entry_name: str, **values: Any) -> Any:
            if entry_name == "all_eye_mapping_files":  # asked for even where the catalogue is there
                return []
            return super().template_query(template_name, entry_name, **values)

        def retrieve_parsed_json_over_http(self, url: str, post: bool = False) -> Any:
            answer = requests.get(requests.utils.quote(url, ";/?:@&=+$,"), timeout=TIMEOUT)
            answer.raise_for_status()
            found = answer.json()
            if not found.get("success", True):  # else AllenSDK keeps the server's complaint as the catalogue
                raise requests.RequestException(f"it says {found.get('msg')!r}")
            return found

        def retrieve_file_over_http(self, url: str, file_path: str, zipped: bool = False) -> None:
            with requests.get(url, stream=True, timeout=TIMEOUT) as answer, open(file_path, "wb") as file:
                answer.raise_for_status()
                total = int(answer.headers.get("Content-Length", 0)) or None
                with progress(total=total, desc=Path(url).name[:20], unit="B", unit_scale=True) as bar:
                    for piece in answer.iter_content(CHUNK):
                        bar.update(file.write(piece))

    return PatientApi()


def asked(question: Callable[[], Answer], what: str) -> Answer:
    """The answer; raises FetchError where the server sends none, and lets OSError and ValueError pass."""
    try:
        return question()
    except requests.RequestException as error:
        remedy = "look at the network and try again; nothing was kept of it"
        raise FetchError(f"The Allen Institute's server did not send {what} ({error}): {remedy}.") from error
    except (NeurokitError, OSError, ValueError):  # told of by the caller
        raise
    except Exception as error:  # AllenSDK raises plain exceptions for what a server lacks
        raise FetchError(f"AllenSDK could not get {what} ({type(error).__name__}: {error}).") from error


def check_whole(path: Path, session_id: int) -> None:
    """Raises FetchError where the session's file is cut short or something else."""
    try:
        h5py.File(path, locking=False).close()  # `written` holds a lock of its own
    except OSError as error:
        finding = f"What the Allen Institute's server sent for session {session_id} is no whole HDF5 file"
        raise FetchError(f"{finding} ({error}): try again later; nothing was kept of it.") from error
