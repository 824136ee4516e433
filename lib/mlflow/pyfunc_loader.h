/* The Python that a model needs where MLflow's own ONNX flavour can't call it: with text columns, or with several classes. */
#ifndef MLOPS_MLFLOW_PYFUNC_LOADER_H
#define MLOPS_MLFLOW_PYFUNC_LOADER_H

#define MLOPS_PYFUNC_MODULE "mlops_pyfunc"
#define MLOPS_PYFUNC_SETUP  "mlops.json" /* beside model.onnx: {"kind", "features": [{"name", "categories"}], "classes"} */

extern const char mlops_pyfunc_loader[];

#endif
