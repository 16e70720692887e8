"""Where are the active regions in an image of the whole disk, and how are they cut out of it?"""
