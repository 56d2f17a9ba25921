"""The LTI tool: how a teacher gets from Schoology to the page with *Sync to SIS*, and that page."""
