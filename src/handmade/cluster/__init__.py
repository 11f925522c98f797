"""Training on a cluster of `dask.distributed`: the same bytes as on one machine, whatever the number of workers.

connection    addresses, workers on this machine, TLS
matching      versions and vectors of workers, compared with this process
sharing       the tree sum of shards on workers
times         seconds of a step: computing, travelling, waiting
"""
