"""One module per group of commands; `services/cli/app.py` lists them."""
