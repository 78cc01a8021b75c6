# SPDX-License-Identifier: GPL-2.0
"""Sphinx's settings for the API reference; scripts/make-docs runs it."""

project = "xengnt"
author = "The xengnt developers"
project_copyright = author
exclude_patterns = []
primary_domain = "c"
highlight_language = "none"
html_theme = "alabaster"
html_theme_options = {"description": "Grant tables for Xen guests", "page_width": "70em"}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False
html_copy_source = False
