"""Tables of the studies of real recordings, whose rows hold the value of each seed or recording."""

from statistics import mean, stdev
from typing import Any

COLUMNS: dict[str, dict[str, str]] = {  # result file: key of a row, and what the column is called
    "real_sessions": {
        "split": "split",
        "model": "model",
        "median": "median R²",
        "low": "lowest session",
        "high": "highest session",
        "gain": "median gain over the PSTH",
        "above_psth": "sessions that gain",
    },
    "real_ibl": {
        "region": "region",
        "units": "units",
        "inputs": "read from",
        "random": "R², random folds",
        "random_null": "null",
        "blocked": "R², blocked folds",
        "blocked_null": "null",
    },
    "real_natural_movie": {
        "area": "area",
        "units": "units",
        "model": "model",
        "own": "single trials",
        "other": "with the behaviour of another repeat",
    },
    "real_networks": {"measure": "measure", "what": "of", "how": "how", "values": "value"},
    "simulation_beside_reality": {
        "measure": "measure",
        "simulated": "simulated mice",
        "real": "real",
        "recordings": "recordings",
    },
}

SAID = {  # what the values of a table are, where they are not of seeds
    "real_sessions": "16 sessions, each the mean of 5 seeds",
    "real_ibl": "5 seeds, mean ± SD",
    "real_natural_movie": "10 seeds, mean ± SD",
    "real_networks": "RSA: 10 draws of the cells, mean ± SD; SENSORIUM 2023: 3 mice",
    "simulation_beside_reality": "a value a simulated mouse, and one a recording",
}


def real_table(name: str, content: dict[str, Any]) -> str:
    """The rows of one study; values of seeds are mean ± SD, those of recordings stand side by side."""
    columns = COLUMNS[name]
    lines = ["| " + " | ".join(columns.values()) + " |", "|---" * len(columns) + "|"]
    for row in content["rows"]:
        lines.append("| " + " | ".join(_cell(key, row.get(key)) for key in columns) + " |")
    return "\n".join(lines)


def _cell(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and value and isinstance(value[0], str):
        return ", ".join(value)
    if isinstance(value, list) and key in ("simulated", "real"):
        return ", ".join(f"{each:.2f}" for each in value)
    if isinstance(value, list):
        return f"{mean(value):.3f} ± {stdev(value):.3f}" if len(value) > 1 else f"{value[0]:.3f}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
