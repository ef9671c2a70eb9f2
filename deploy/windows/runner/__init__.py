"""A small supervisor for where supervisord does not run: it reads the same supervisord.conf.

Standard library only, so that it stands when a package is broken. See docs/how-to/windows.md.
"""
