"""`python -m handmade` is the `handmade` command."""

from handmade.cli.main import main

main()
