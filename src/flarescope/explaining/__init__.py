"""Where in an image does a model see its forecast, and how far can a map of it be believed?"""
