"""Training on a cluster of `dask.distributed`: the same bytes as on one machine, whatever the number of workers.

address       forms of an address, and certificates
connection    a client of a scheduler, or of new workers on this machine
matching      versions and vectors of workers, compared with this process
executors     executors of clients that exist already
sharing       the tree sum of shards on workers
times         seconds of a step: computing, travelling, waiting
"""
