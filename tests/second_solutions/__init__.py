"""A second set of wrong solutions, written after the first one was used to extend the list of known mistakes.

They too were written from the texts of the exercises alone. At first sight, all 87 were rejected, 67 were named rightly (77 %),
and none wrongly.
"""
