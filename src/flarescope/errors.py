"""What can go wrong, said in one line: what was expected, what came, what to do."""


class FlarescopeError(Exception):
    """Base of every error that flarescope raises on purpose; the command line ends with code 1."""

    exit_code = 1


class InputError(FlarescopeError, ValueError):
    """A file, table or option is not what it should be; the command line ends with code 2."""

    exit_code = 2


class AbsentError(FlarescopeError):
    """A server says that it has no such file; asking again does not help."""
