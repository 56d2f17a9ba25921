"""Show operators what a process does: logs, traces, periodic tasks."""
