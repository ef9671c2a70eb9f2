"""`init` and `config check`."""

from pathlib import Path

import click

from services.cli import show
from services.cli.bilingual import Group, command, json_option
from services.cli.faults import BadInputError
from services.cli.session import Session, pass_session

config = Group("config", help_key="cmd.config")


@command("init", "cmd.init")
@pass_session
def init(session: Session) -> None:
    """Make $PANKOU_HOME."""
    from services.cli.setup import copy_screens, prepare

    made = prepare(session)
    session.tell("init.home", home=str(session.home.root))
    session.tell("init.keys" if made.keys else "init.keys_there", count=len(made.keys), folder=str(session.home.keys))
    session.tell("init.config" if made.config else "init.config_there", path=str(session.home.config))
    copied = copy_screens(session)
    session.tell(
        "init.screens" if copied else "init.screens_there", names=", ".join(copied), folder=str(session.home.screens)
    )


@config.command_of("check", "cmd.config.check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
@pass_session
def check(session: Session, file: Path | None, as_json: bool) -> None:
    """Check a configuration; all its errors come at once."""
    from common.runtime.config import load_config
    from services.cli.settings import check_screens, merged_config

    if file is not None and not file.is_file():
        raise BadInputError("bad.no_file", path=str(file))
    found = check_screens(load_config(file), str(file)) if file is not None else merged_config(session.home, "sim", {})
    if as_json:
        show.echo_json(found)
    else:
        session.tell("config.good", path=str(file or session.home.config))
