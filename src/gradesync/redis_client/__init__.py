"""Ask Redis: what all processes share, and can do without."""
