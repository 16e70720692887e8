"""How does a group of commands look, typed alone or with what all of them understand?"""

import typer

USAGE: int = 2
"""Exit code of a command line that names no command."""


def help_where_bare(context: typer.Context) -> None:
    """Print the ordinary help where no command follows."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(USAGE)


def group(help_text: str) -> typer.Typer:
    """Give a group of commands that prints its help when it is typed alone."""
    made = typer.Typer(help=help_text, invoke_without_command=True)
    made.callback()(help_where_bare)
    return made
