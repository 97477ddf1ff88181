"""What the launcher of a flex template starts, with the template's parameters as options."""

from pipeline.__main__ import command

command()
