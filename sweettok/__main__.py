"""`python -m sweettok`: the command `sweettok`."""

from sweettok.cli import main

if __name__ == "__main__":
    main()
