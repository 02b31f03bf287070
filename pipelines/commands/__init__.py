"""What each command of `everycent` does and shows. The words of the command line: `cli.py`."""
