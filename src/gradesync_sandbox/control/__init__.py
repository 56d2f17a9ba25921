"""Serve the control API: acts of teachers and administrators in both systems, and faults, over HTTP."""

from gradesync_sandbox.control.app import control_app

__all__ = ["control_app"]
