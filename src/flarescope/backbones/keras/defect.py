"""How does a reader of Keras' files say what is wrong with a file whose name it does not know?"""


class DefectError(Exception):
    """What is wrong with a file, in one line without its name; `keras_files` makes an `InputError` with it."""
