"""`python -m moldiff` is the command `moldiff`."""

from moldiff.cli.main import main

if __name__ == "__main__":
    main()
