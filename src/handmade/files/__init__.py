"""What is kept on disk: models, and the records of runs."""
