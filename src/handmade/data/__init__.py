"""Where digits come from: the MNIST in this package, or any directory in its format."""

from handmade.data.augmentation import Augmentation
from handmade.data.digits import Dataset, Images, load, mnist, prepare

__all__ = ["Augmentation", "Dataset", "Images", "load", "mnist", "prepare"]
