"""``python -m sparsecode v1 | labs | warmup | info``."""

import argparse
import sys

from ._cli import info, labs, v1, warmup

COMMANDS = {"v1": v1, "labs": labs, "warmup": warmup, "info": info}


def main(arguments=None):
    """Run a command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sparsecode", description="Sparse coding on a plain CPU.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=module.HELP, description=module.HELP))
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options) or 0
    except (ValueError, OSError) as error:
        print(f"{parser.prog} {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
