"""Play a district's busiest hours on a virtual clock, with the code that schedules syncs."""
