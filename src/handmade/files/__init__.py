"""Files on disk: models, checkpoints, pictures and event files for TensorBoard."""
