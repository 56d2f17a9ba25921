"""Serve the console's own address: signing in by OpenID Connect, for admins without Schoology."""
