"""The public verbs, one module each, named as the command that it is."""
