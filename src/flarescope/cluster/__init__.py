"""How do several machines compute the features of one store, by Ray?"""
