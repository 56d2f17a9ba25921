"""Run syncs, reports and webhook deliveries in the background."""
