"""One script per DVC stage: params -> one call into sweettok -> outputs, metrics, MLflow."""
