"""A link opened in the browser, without waiting for it."""

import threading
import webbrowser

IN_THE_TERMINAL = {"GenericBrowser", "Elinks"}  # classes of browsers that would take the terminal: lynx, w3m, links


def open_in_browser(link: str) -> None:
    """Open a link in a browser with a window, if there is one."""
    threading.Thread(target=_open, args=(link,), daemon=True).start()


def _open(link: str) -> None:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:  # there is none: the link is printed as well
        return
    if type(browser).__name__ not in IN_THE_TERMINAL:
        browser.open(link)
