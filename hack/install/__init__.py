"""Tailrace from this checkout on a cluster: build the image, load it, install the chart.

`kubernetes` is kubectl and helm, `image` what the checkout's image is called and where it has to go,
`release` the chart, `diagnosis` what explains a failure, `cli` the way in.
"""
