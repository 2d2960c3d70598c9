"""The command line's root: the commands by name, and what becomes of their errors."""

from __future__ import annotations

import importlib
import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from console.cli.invocation import common, invocation
from console.cli.output import complain, note
from console.shell.stderr import LogFile, log_path
from core.errors import UsageError, VirtdeckError
from core.model.secrets import without_secrets
from core.model.text import did_you_mean

if TYPE_CHECKING:
    from core.model import Event

_log = logging.getLogger(__name__)
_QUOTED = re.compile(r"'([^']*)'")

INTERRUPTED = 130
"""Exit status after Ctrl-C."""
PIPE_CLOSED = 141
"""Exit status when whoever read our output went away (128 + SIGPIPE)."""

COMMANDS: dict[str, tuple[str, str]] = {
    "hosts": ("listings", "List the hosts and their links."),
    "instances": ("instances", "List the instances of every host."),
    "pools": ("listings", "List the storage pools."),
    "volumes": ("listings", "List the volumes of every pool."),
    "images": ("images", "List the base images and who needs them."),
    "connections": ("connections", "List the volumes that hosts have connected, and for whom."),
    "networks": ("listings", "List the virtual networks."),
    "devices": ("host_devices", "List the devices of the hosts, or of an instance."),
    "nwfilters": ("host_devices", "List the network filters, and what they are bound to."),
    "operations": ("operations", "List what was asked for and what became of it."),
    "show": ("show", "Show everything known of one object."),
    "console": ("console", "Type into the serial console of an instance."),
    "diagnose": ("diagnose", "Say why an instance is slow, with the figures."),
    "checkpoints": ("checkpoints", "List the checkpoints of an instance, and how each is."),
    "events": ("events", "Print libvirt's events as they come."),
    "edit": ("edit", "Change the whole definition of an instance, as XML."),
    "migrate": ("migrate", "Move running instances to another host."),
    "migrations": ("migrations", "List the migrations and how far they are."),
    "migration": ("migration", "Look at one migration, or steer it while it runs."),
    "drain": ("drain", "Move every active instance of a host away."),
    "evacuate": ("evacuate", "Start the instances of a dead host elsewhere."),
    "doctor": ("doctor", "Check this machine and each host, with the cure."),
    "lab": ("lab", "Two private hosts with small guests, to try things on."),
    "demo": ("tapes", "Bring the lab up and open the console on it."),
    "record": ("tapes", "Record the hosts' events and figures to a tape."),
    "replay": ("tapes", "Open the console on a tape."),
}
"""The commands that are no verbs: the module under console.cli, and the line in the help."""


class _Commands(click.Group):
    """Imports a command's module only when that command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the table, then those of the verbs."""
        del ctx
        from console.cli.verb_names import GROUPS, commands

        return [*COMMANDS, *(verb.name for verb in commands()), *GROUPS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called `cmd_name`, None when there is none."""
        del ctx
        if cmd_name not in COMMANDS:
            from console.cli import verbs

            return verbs.command(cmd_name)
        module = importlib.import_module(f"console.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands in the help: those that look, then the verbs."""
        del ctx
        from console.cli.verb_names import GROUPS, commands

        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        with formatter.section("What can be done to instances"):
            formatter.write_dl([(verb.name, verb.help) for verb in commands()])
        with formatter.section("What can be done to others"):
            formatter.write_dl(list(GROUPS.items()))


@click.command(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 done, 1 refused or failed, 2 usage, 3 a host is unreachable, "
    "4 outcome unknown, or something is missing in what was told.",
)
@common
@click.pass_context
def root(context: click.Context) -> int | None:
    """An operator's console for libvirt hosts; without a command it opens the console."""
    if context.invoked_subcommand is not None:
        return None
    from console.cli.opening import open_console

    return open_console(invocation(context))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; every error is a sentence, never a trace."""
    log = LogFile()
    logging.getLogger().addHandler(log)
    try:
        return _run(arguments)
    finally:
        logging.getLogger().removeHandler(log)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        result = root.main(args=arguments, prog_name="virtdeck", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        if isinstance(error, _WHOLE_HELP):
            click.echo(error.format_message(), err=True)
        else:
            complain(_usage(error))
        return UsageError.exit_status
    except VirtdeckError as error:
        complain(error)
        return error.exit_status
    except (KeyboardInterrupt, click.Abort):
        note("")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click turns the first into the second
        # the interpreter's own flush at exit must not fail for the same reason
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return PIPE_CLOSED
    except Exception as error:
        return _internal_error(error)


_WHOLE_HELP: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""A group without a command: its message is all of its help. click 8.1 prints that by itself."""


def _usage(error: click.ClickException) -> UsageError:
    """What click has to say, as one sentence and its cure like every other error."""
    # click's own suggestion follows in brackets
    sentence = re.sub(r"\.? \((Did you mean .*\?)\)\.?$", r". \1", error.format_message().strip())
    if not sentence.endswith((".", "?")):
        sentence += "."
    context = getattr(error, "ctx", None)
    if context is None:
        return UsageError(sentence, "`virtdeck --help` says what there is.")
    command, hint = context.command, ""
    if isinstance(command, click.Group) and not sentence.endswith("?"):
        words = _QUOTED.findall(sentence)
        hint = did_you_mean(words[0], command.list_commands(context)) if words else ""
    hint = hint or f"`{context.command_path} --help` says what there is."
    if isinstance(error, click.NoSuchOption):
        hint += f" A name that begins with a dash goes after --: {context.command_path} -- NAME."
    return UsageError(sentence, hint)


def _internal_error(error: Exception) -> int:
    from console.shell.crash import BrokenScreenError, keep_crash

    _log.error("internal error", exc_info=error)
    events: Sequence[Event] = ()
    defect: BaseException = error
    if isinstance(error, BrokenScreenError):
        events, defect = error.events, error.__cause__ or error
    what = without_secrets(f"{type(defect).__name__}: {defect}")
    where = keep_crash(defect, events) or f"the end of {log_path()}"
    note(f"virtdeck: internal error ({what}).")
    note(f"  This is a defect of virtdeck; please report it with {where}.")
    return 1
