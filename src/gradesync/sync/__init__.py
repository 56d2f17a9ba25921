"""The life of a sync: request, lease, read, plan, apply, settle, sweep."""
