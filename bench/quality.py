"""Are the answers of the same quality?  Each check gives a line; a line that begins with FAILED is one."""
import statistics

import numpy

# How much worse than the peers' median a figure may be before it counts as worse; seeds alone move them less.
AUC_SLACK = 0.02
ACCURACY_SLACK = 0.01


def auc(scores, positive):
    """The area under the ROC curve by ranks; ties share theirs."""
    _, inverse, counts = numpy.unique(scores, return_inverse=True, return_counts=True)
    ranks = (numpy.cumsum(counts) - (counts - 1) / 2)[inverse]
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))


def read(path, kind=numpy.float32):
    return numpy.fromfile(path, dtype=kind)


def no_worse(what, figures, slack):
    """figures: name -> figure, ours among them."""
    peers = [figure for who, figure in figures.items() if who != "mlops"]
    if not peers:
        return f"{what}: no peer to compare with"
    verdict = "" if figures["mlops"] >= statistics.median(peers) - slack else "FAILED "
    return f"{verdict}{what}: ours {figures['mlops']:.4f}, peers {min(peers):.4f} to {max(peers):.4f}"


def equal(what, ours, theirs):
    differ = int((ours != theirs).sum())
    return f"{'FAILED ' if differ else ''}{what}: {differ} of {len(ours)} decisions differ"
