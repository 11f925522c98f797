"""One file a command: its options and their help. What does the work is imported when it runs, so --help answers at once."""
