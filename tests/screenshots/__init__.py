"""Take the pictures of the console that the administrators' guide shows."""
