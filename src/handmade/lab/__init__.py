"""The lab: a server, and a page on which every number of a network can be seen, explained and changed."""
