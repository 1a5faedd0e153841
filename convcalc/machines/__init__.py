"""What a machine can do, and the time that networks will take on it: plain data and arithmetic.

card.py      a machine's card: its peaks, and the table of its measured layers
key.py       what makes two layers take the same time: the key of a row
table.py     the table on disk, one SQLite file for each machine
predict.py   a network's time from the rows of its layers

Measuring fills the table, which needs torch (`torch_bridge.roofs`, `torch_bridge.stopwatch`);
nothing here does.
"""
