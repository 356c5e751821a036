"""The command line: flags made from the options, one command a stage."""
