"""The command line: a client of the same functions that `import convcalc` offers."""
