"""The competition's files: predictions of a SENSORIUM 2022 scan written, validated and scored.

    files = write_submission(folder, scan, {"test": live, "final_test": final})   # standardised scale
    validate(files[0], scan, "test")          # nothing, or one sentence: what is wrong and where
    score_submission("ground_truth_file_test.csv", files[0])["Single Trial Correlation"]

The two tracks' files bear the same names: keep them in two folders. No file can show whether SENSORIUM's
rules were met, for example about past responses.
"""
