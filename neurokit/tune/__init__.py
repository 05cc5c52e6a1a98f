"""Hyper-parameter search: hyperopt's TPE, seeded, resumable, parallel.

The tree-structured Parzen estimator is that of Bergstra et al., "Algorithms for hyper-parameter
optimization", NeurIPS 2011 (hyperopt's own code); random search beside it is Bergstra & Bengio,
JMLR 2012.

    def objective(parameters, report):           # parameters: plain Python values
        for epoch in range(1, 101):
            report(epoch, validation_loss)       # raises Pruned where the rule stops the trial
        return best_validation_loss

    study = search(objective, space, trials=40, seed=0, stop=MedianStopping(), file="study.json")
    study.best, study.trials, study.curves
"""

from neurokit.tune.search import search
from neurokit.tune.trials import MedianStopping, Pruned, Study, Trial

__all__ = ["MedianStopping", "Pruned", "Study", "Trial", "search"]
