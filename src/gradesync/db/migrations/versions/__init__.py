"""Hold one module for each migration."""
