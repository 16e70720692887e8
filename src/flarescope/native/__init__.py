"""Functions that LLVM turns into the instructions of the processor at hand, when they are first wanted."""
