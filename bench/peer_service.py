"""A service as one writes it with FastAPI and ONNX Runtime; uvicorn runs it.

MLOPS_BENCH_MODELS names a folder with NAME.onnx and NAME.json (features, kind) for each model.  It answers as
mlops-serve does: POST /models/NAME/score with a row of JSON or with CSV, POST /forecast, GET /readyz.
"""
import io
import json
import os
import pathlib

import fastapi
import numpy
import onnxruntime
import pandas

app = fastapi.FastAPI()
models = {}

LINES = {
    "anomaly_detection": '{{"anomaly_score":{:.7g},"anomaly":{}}}\n',
    "failure_prediction": '{{"failure_probability":{:.7g},"failure":{}}}\n',
}


class Model:
    def __init__(self, path):
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        self.name, self.kind, self.features = path.stem, facts["kind"], facts["features"]
        options = onnxruntime.SessionOptions()
        # Requests are what runs in parallel; a pool of threads for one row would only be in the way.
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options)
        self.input = self.session.get_inputs()[0]
        outputs = [output.name for output in self.session.get_outputs()]
        self.outputs = {
            "anomaly_detection": ["anomaly_score", "anomaly"],
            "failure_prediction": ["failure_probability", "failure"],
        }.get(self.kind, outputs)

    def run(self, values):
        return self.session.run(self.outputs, {self.input.name: values})


for file in sorted(pathlib.Path(os.environ["MLOPS_BENCH_MODELS"]).glob("*.onnx")):
    models[file.stem] = Model(file)


@app.get("/readyz")
async def ready():
    return fastapi.Response("ready\n", media_type="text/plain")


@app.post("/models/{name}/score")
async def score(name: str, request: fastapi.Request):
    model = models[name]
    body = await request.body()
    if request.headers.get("content-type", "").startswith("text/csv"):
        values = pandas.read_csv(io.BytesIO(body), usecols=model.features)[model.features].to_numpy(numpy.float32)
    else:
        row = json.loads(body)
        values = numpy.array([[row[feature] for feature in model.features]], numpy.float32)
    scores, marks = model.run(values)
    line = LINES[model.kind]
    text = "".join(
        line.format(value, "true" if mark else "false")
        for value, mark in zip(scores.ravel().tolist(), marks.ravel().tolist())
    )
    return fastapi.Response(text, media_type="application/x-ndjson")


@app.post("/forecast")
async def forecast(request: fastapi.Request):
    model = models["time_series_forecast"]
    body = json.loads(await request.body())
    length = model.input.shape[1]
    history = numpy.array([body["historical_data"][-length:]], numpy.float32)
    steps = body["forecast_steps"]
    values = [output[0, :steps].tolist() for output in model.run(history)]
    answer = {"sensor_id": body["sensor_id"], "model": model.name, "forecast_steps": steps, "level": 0.9}
    answer.update(zip(("forecast", "lower", "upper"), values))
    return fastapi.Response(json.dumps(answer) + "\n", media_type="application/x-ndjson")
