"""LTI launches and the teacher's page."""
