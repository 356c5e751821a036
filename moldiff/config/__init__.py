"""Every option of every stage, once: its name, type, default, unit and help.

The command line, the workflow's files, their JSON schema and ``docs/configuration.md`` are made from these classes.
"""
