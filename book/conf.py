"""Settings of the book's builder, Sphinx; tools/book.py copies this file beside the pages."""

from importlib import metadata
from pathlib import Path
from typing import Any

project = "neurokit"
author = "the neurokit authors"
copyright = author
release = metadata.version("neurokit-encoding")

extensions = ["myst_nb", "sphinx-mathjax-offline"]
root_doc = "book/contents/index"
exclude_patterns = [".doctrees"]
html_theme = "pydata_sphinx_theme"
html_title = "neurokit"
html_static_path = ["static"]
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"book/live_twin": [], "**": ["page-toc"]},
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_context = {"default_mode": "light"}
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False

nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "image/png", 0)]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
LIVE = {"book/live_twin"}  # pages on which the live twin answers


def add_live(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Loads the live twin's script and style on its pages alone, if it was built."""
    if page in LIVE and (Path(app.srcdir) / "static" / "live" / "live.js").is_file():
        app.add_css_file("live/live.css")
        app.add_js_file("live/live.js", type="module")


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("html-page-context", add_live)
