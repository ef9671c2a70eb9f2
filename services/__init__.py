"""The processes, one package each; they talk by message only."""
