"""Neural encoding models of the mouse visual system: data, features, models, training, evaluation.

The rooms stand in the order data flows: `simulate` writes recordings in their real file formats,
`data` reads files into one dataclass a recording, `features` turns arrays into model inputs,
`models` maps inputs to rates, `fit` trains, `metrics` scores, `tune` searches, `attribute` explains.
"""

__version__ = "0.1.0"
