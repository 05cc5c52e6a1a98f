"""The competition's files: predictions of a SENSORIUM 2022 scan written, validated and scored.

    files = write_submission(folder, scan, {"test": live, "final_test": final})   # standardised scale
    validate(files[0], scan, "test")          # nothing, or one sentence: what is wrong and where
    score_submission("ground_truth_file_test.csv", files[0])["Single Trial Correlation"]

The two tracks' files bear the same names: keep them in two folders. That SENSORIUM's rules were
met, for example about past responses, no file can show.
"""

from neurokit.sensorium.submission.scoring import Scored, score_neurons, score_submission
from neurokit.sensorium.submission.table import TRACKS, file_name, validate
from neurokit.sensorium.submission.writer import write_ground_truth, write_rows, write_submission

__all__ = [
    "TRACKS",
    "Scored",
    "file_name",
    "score_neurons",
    "score_submission",
    "validate",
    "write_ground_truth",
    "write_rows",
    "write_submission",
]
