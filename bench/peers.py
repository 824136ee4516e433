"""The other programs, each with the same few verbs.

isolation_fit(X), random_fit(X, y): a model like ours by default: 256 rows a tree, or trees of any depth.
Those made for boosting want leaves of about 4 rows (XGBoost's default): with single rows, as ours and
scikit-learn's have, they take many times longer for no better accuracy.
score(model, X): larger is an anomaly or a failure; for a random forest a probability.  save, load: to a file.
"""
import importlib
import math

import joblib


class Peer:
    """module: imported when the peer is made, outside of what is timed, and only the peer's own."""

    module = None

    def __init__(self, threads, trees):
        self.threads, self.trees = threads, trees
        self.library = importlib.import_module(self.module)


class ScikitLearn(Peer):
    module = "sklearn.ensemble"

    def isolation_fit(self, X):
        with self.parallel():
            forest = self.library.IsolationForest(n_estimators=self.trees, max_samples=256, random_state=1)
            return forest.fit(X)

    def random_fit(self, X, y):
        settings = {"n_estimators": self.trees, "n_jobs": self.threads, "random_state": 1}
        return self.library.RandomForestClassifier(**settings).fit(X, y)

    def parallel(self):
        return joblib.parallel_config(backend="threading", n_jobs=self.threads)

    def score(self, model, X):
        if hasattr(model, "predict_proba"):
            return model.predict_proba(X)[:, 1]
        with self.parallel():
            return -model.score_samples(X)

    def save(self, model, path):
        joblib.dump(model, path)

    def load(self, path):
        model = joblib.load(path)
        model.n_jobs = self.threads
        return model


class OneDal(ScikitLearn):
    module = "sklearnex.ensemble"


class Isotree(Peer):
    module = "isotree"

    def isolation_fit(self, X):
        settings = {"ntrees": self.trees, "sample_size": 256, "ndim": 1, "missing_action": "fail"}
        return self.library.IsolationForest(**settings, nthreads=self.threads, random_seed=1).fit(X)

    def score(self, model, X):
        return model.predict(X)

    def save(self, model, path):
        model.export_model(str(path))

    def load(self, path):
        model = self.library.IsolationForest.import_model(str(path))
        model.set_params(nthreads=self.threads)
        return model


class LightGbm(Peer):
    module = "lightgbm"

    def random_fit(self, X, y):
        settings = {
            "objective": "binary",
            "boosting": "rf",
            "num_leaves": max(31, len(X) // 16),
            "min_data_in_leaf": 4,
            "min_sum_hessian_in_leaf": 0,
            "bagging_freq": 1,
            "bagging_fraction": 0.632,
            "feature_fraction_bynode": math.isqrt(X.shape[1]) / X.shape[1],
            "histogram_pool_size": 1024,
            "num_threads": self.threads,
            "seed": 1,
            "verbose": -1,
        }
        return self.library.train(settings, self.library.Dataset(X, label=y), num_boost_round=self.trees)

    def score(self, model, X):
        return model.predict(X, num_threads=self.threads)

    def save(self, model, path):
        model.save_model(str(path))

    def load(self, path):
        return self.library.Booster(model_file=str(path))


class XgBoost(Peer):
    module = "xgboost"

    def random_fit(self, X, y):
        settings = {
            "objective": "binary:logistic",
            "num_parallel_tree": self.trees,
            "learning_rate": 1,
            "max_depth": 0,
            "min_child_weight": 1,
            "lambda": 1e-5,
            "subsample": 0.632,
            "colsample_bynode": math.isqrt(X.shape[1]) / X.shape[1],
            "tree_method": "hist",
            "nthread": self.threads,
            "seed": 1,
        }
        rows = self.library.QuantileDMatrix(X, label=y, nthread=self.threads)
        return self.library.train(settings, rows, num_boost_round=1)

    def score(self, model, X):
        return model.inplace_predict(X)

    def save(self, model, path):
        model.save_model(f"{path}.ubj")

    def load(self, path):
        model = self.library.Booster({"nthread": self.threads})
        model.load_model(f"{path}.ubj")
        return model


class OnnxRuntime(Peer):
    """Fits nothing: runs the model files that we write."""

    module = "onnxruntime"

    def score(self, model, X):
        return model.run([self.output], {"X": X})[0].reshape(-1)

    def load(self, path):
        options = self.library.SessionOptions()
        options.intra_op_num_threads = self.threads
        model = self.library.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.output = model.get_outputs()[0].name
        return model


PEERS = {
    "scikit-learn": ScikitLearn,
    "scikit-learn-intelex": OneDal,
    "isotree": Isotree,
    "lightgbm": LightGbm,
    "xgboost": XgBoost,
    "onnxruntime": OnnxRuntime,
}
