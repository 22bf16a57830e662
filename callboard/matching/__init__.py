"""Pure: does this webhook want this event, and if not, why not?"""
