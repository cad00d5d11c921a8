"""The benchmark of Gatehouse: one module per concern, `cli.main` puts them together."""
