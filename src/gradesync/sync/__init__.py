"""Run a sync: request, claim, read, plan, write, settle, sweep."""
