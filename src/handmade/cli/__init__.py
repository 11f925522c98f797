"""The `handmade` command. It alone talks: everything below it returns values."""
