"""torch models as graphs: `layout` (where positions are in a tensor), `recorder` (following a
forward pass without running it), `handlers` (what each torch function is), `models` (finding and
building the model that the user names).
"""
