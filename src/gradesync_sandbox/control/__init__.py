"""The control API: what teachers and administrators do in both systems, and what goes wrong, over HTTP."""

from gradesync_sandbox.control.app import control_app

__all__ = ["control_app"]
