"""Read a section's gradebook from Schoology: OAuth 1.0a, wire shapes, and the gradebook made of them."""
