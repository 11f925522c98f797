"""Pictures: functions that return a matplotlib Figure, `encode` for a picture file, and the report of a run or a model.

matplotlib (the extra `plots`) is loaded when something is drawn. No window is opened, and nothing global is changed.
"""

from handmade.pictures.confusion import confusion
from handmade.pictures.curves import History, curves
from handmade.pictures.film import Frame, film
from handmade.pictures.filters import filters
from handmade.pictures.histograms import histograms
from handmade.pictures.maps import feature_maps
from handmade.pictures.mistakes import mistakes
from handmade.pictures.nudge import difference_maps
from handmade.pictures.preparation import preparation
from handmade.pictures.report import Shown, Subject, report
from handmade.pictures.sensitivity import sensitivity
from handmade.pictures.steps import error_against_h
from handmade.pictures.style import encode
from handmade.pictures.sweep import Trial, sweep

__all__ = [
    "Frame",
    "History",
    "Shown",
    "Subject",
    "Trial",
    "confusion",
    "curves",
    "difference_maps",
    "encode",
    "error_against_h",
    "feature_maps",
    "film",
    "filters",
    "histograms",
    "mistakes",
    "preparation",
    "report",
    "sensitivity",
    "sweep",
]
