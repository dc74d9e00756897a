"""What has work done: processes of this machine, or the workers of a Dask cluster."""
