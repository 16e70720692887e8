"""How are files read that lie in the storage of a cloud or of a cluster?"""
