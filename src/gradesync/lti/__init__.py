"""Serve the LTI tool: the launch from Schoology, and the teacher's page with *Sync to SIS*."""
