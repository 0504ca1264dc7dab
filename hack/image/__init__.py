"""Building Tailrace's container image from the checkout, and loading it into a cluster.

`contents` prepares what the Dockerfile copies, `base` makes a base image where no registry can be
reached, `engines` are the programs that build, `cli` is the way in.
"""
