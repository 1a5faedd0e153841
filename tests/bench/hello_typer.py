"""The least that a typer program which prints one rich table can cost: the yardstick of startup."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer()


@app.command()
def main(names: Annotated[list[str], typer.Argument(help="Rows.")]) -> None:
    """Print one table."""
    table = Table(title="hello")
    table.add_column("name")
    table.add_column("length", justify="right")
    for name in names:
        table.add_row(name, str(len(name)))
    Console().print(table)


if __name__ == "__main__":
    app()
