"""Which price should a shuttle to the moon have?"""
