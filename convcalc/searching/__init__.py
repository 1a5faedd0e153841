"""All series of convolutions over a menu that see what a layer sees: counted, and the best of them.

space.py         what is searched: menus, and what a candidate must have
axes.py          one axis: which positions are read so far, and what a layer adds
costs.py         figures as sums over layers, and which of them follow from others
counting.py      how many sequences and candidates there are, without listing them
fronts.py        the Pareto front by dynamic programming
enumeration.py   the same candidate by candidate, where a figure is no sum
writing.py       sequences as specifications
"""
