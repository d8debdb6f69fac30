"""The subcommands of `sweettok`, one module a family. Heavy imports stay inside functions, so that --help answers at once."""
