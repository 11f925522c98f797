"""Figure that shows itself in a notebook, also where pyplot, which registers matplotlib's figures there, was never imported."""

from matplotlib.figure import Figure

from handmade.pictures.style import DPI, encode

SCREEN = 96  # pixels in an inch of a page


class PictureFigure(Figure):
    """Figure with a view for notebooks."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the PNG file, and its width on the page: an inch of the picture is an inch there."""
        return encode(self, "png", DPI), {"width": round(SCREEN * self.get_figwidth())}
