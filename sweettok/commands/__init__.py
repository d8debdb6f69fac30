"""The subcommands of `sweettok`, one module a family. Heavy imports stay in functions: --help answers at once."""
