"""Build what tests run on: servers, districts, people, faults, and judges of the result."""
