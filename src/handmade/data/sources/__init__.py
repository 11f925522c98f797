"""Formats of data sets that users bring, one file a format."""
