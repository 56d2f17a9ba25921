"""The Schoology source: OAuth 1.0a, wire shapes, and the gradebook read from them."""
