"""Who may do what: our own tokens, and the LTI launches that teachers' tokens are made of."""
