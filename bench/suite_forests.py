"""Forests: calls of libraries with the rows in memory."""
import numpy

import quality
from contest import OURS, Contender, Job

ISOLATION = ("isotree", "scikit-learn")
RANDOM = ("scikit-learn-intelex", "xgboost", "lightgbm", "scikit-learn")
# The one that takes a quarter of an hour for what the others do in a minute.
TOO_SLOW_ABOVE = {"scikit-learn": 200_000}


def fit_job(plan, kind, rows, peers):
    verb = f"fit-{kind}"
    directory = plan.directory(rows)
    calls = 5 if kind == "isolation" else 1
    trees = ("-s", f"trees={plan.trees}")
    name = f"{kind}-{rows}"
    contenders = [
        Contender(OURS, plan.ours(verb, directory, rows, *trees, calls=calls), ("-o", plan.model(OURS, name)))
    ]
    for who in peers:
        if rows > TOO_SLOW_ABOVE.get(who, rows):
            continue
        command = plan.peer(who, verb, directory, calls=3 if kind == "isolation" else 1)
        contenders.append(Contender(who, command, ("--out", plan.model(who, name))))
    return Job(f"{kind} forest: fit {plan.trees} trees, {rows:,} rows in memory", contenders)


def model_job(plan, title, verb, name, directory, rows, peers, **options):
    """What needs the models of fit_job; ONNX Runtime runs ours."""
    contenders = [Contender(OURS, plan.ours(verb, directory, rows, "-m", plan.model(OURS, name), **options))]
    for who in peers:
        model = plan.model(OURS if who == "onnxruntime" else who, name)
        contenders.append(Contender(who, plan.peer(who, verb, directory, "--model", model, **options)))
    return Job(title, contenders)


def models_of(plan, kind, fit_rows, fitted):
    """Scoring, loading, one row at a time, with the models of one fit."""
    name = f"{kind}-{fit_rows}"
    peers = [contender.who for contender in fitted.finished() if contender.who != OURS] + ["onnxruntime"]
    directory = plan.directory(plan.rows)
    model = f"{kind} forest of {fit_rows:,} rows"
    rest = name, directory, plan.rows, peers
    score = model_job(plan, f"{model}: score {plan.rows:,} rows in memory", "score", *rest, calls=2)
    load = model_job(plan, f"{model}: load its file", "load", *rest, calls=5)
    one = model_job(plan, f"{model}: score one row, 1 thread", "one-row", *rest, calls=3, threads=1)
    for job in (score, load, one):
        job.run(plan)
    for contender in load.finished():
        contender.quality = f"{contender.facts['file_bytes'] / 1e6:.2f} MB file"
    return [score, load, one]


def test_scores(plan, who, model):
    """What a model says of rows that it has not seen."""
    directory, out = plan.test_directory(), plan.build / "scores.f32"
    if who == OURS:
        command = plan.ours("score", directory, plan.test_rows, "-m", model, "-o", out)
    else:
        command = plan.peer(who, "score", directory, "--model", model, "--out", out)
    plan.output(command)
    return quality.read(out)


def judge(plan, kind, rows, fitted):
    """AUC or accuracy of each model on the same rows; ONNX Runtime must say of our file what we say."""
    truth = quality.read(
        plan.test_directory() / ("anomaly.u8" if kind == "isolation" else "failure.u8"), numpy.uint8
    ).astype(bool)
    aucs, accuracies = {}, {}
    name = f"{kind}-{rows}"
    for contender in fitted.finished():
        scores = test_scores(plan, contender.who, plan.model(contender.who, name))
        aucs[contender.who] = quality.auc(scores, truth)
        contender.quality = f"AUC {aucs[contender.who]:.4f}"
        if kind == "random":
            accuracies[contender.who] = float(((scores > 0.5) == truth).mean())
            contender.quality += f", accuracy {accuracies[contender.who]:.4f}"
        if contender.who == OURS:
            ours = scores
    what = f"{kind} forest of {rows:,} rows"
    yield quality.no_worse(f"{what}: AUC", aucs, quality.AUC_SLACK * plan.slack)
    if accuracies:
        yield quality.no_worse(f"{what}: accuracy", accuracies, quality.ACCURACY_SLACK * plan.slack)
    theirs = test_scores(plan, "onnxruntime", plan.model(OURS, name))
    largest = float(numpy.abs(ours - theirs).max())
    verdict = "FAILED " if largest > 1e-5 else ""
    yield f"{verdict}{what}: ONNX Runtime runs our file and differs by {largest:.1e} at most"


def judge_import(plan):
    """A forest of scikit-learn, by way of skl2onnx, decides here as it does there."""
    rows = min(plan.forest_rows[0], 20_000)
    model, out = plan.models / "imported.onnx", plan.build / "decisions.u8"
    plan.python("export.py", plan.directory(rows), plan.test_directory(), model, out, plan.trees)
    ours = test_scores(plan, OURS, model) > 0.5
    theirs = quality.read(out, numpy.uint8).astype(bool)
    yield quality.equal("scikit-learn's random forest, imported", ours, theirs)


def growth(plan):
    """Ours alone, at several sizes."""
    for kind in ("isolation", "random"):
        fits, scores = [], []
        for rows in plan.sizes:
            directory, name = plan.directory(rows), f"{kind}-growth"
            fits.append(fit_job(plan, kind, rows, ()).run(plan).ours().median())
            # One model for all sizes: what grows is the rows.
            if rows == plan.sizes[0]:
                plan.model(OURS, f"{kind}-{rows}").replace(plan.model(OURS, name))
            title = f"{kind} forest: score {rows:,} rows"
            job = model_job(plan, title, "score", name, directory, rows, (), calls=3)
            scores.append(job.run(plan).ours().median())
        yield f"{kind} forest, fit", fits
        yield f"{kind} forest, score", scores


def run(plan):
    """Jobs as they are done, then the checks."""
    jobs, checks = [], []
    for kind, sizes, peers in (("isolation", [plan.rows], ISOLATION), ("random", plan.forest_rows, RANDOM)):
        for rows in sizes:
            fitted = fit_job(plan, kind, rows, peers).run(plan)
            jobs.append(fitted)
            checks += judge(plan, kind, rows, fitted)
            if rows == sizes[0]:
                jobs += models_of(plan, kind, rows, fitted)
    checks += judge_import(plan)
    return jobs, checks
