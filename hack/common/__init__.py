"""What the tools in this directory share: the console, the build cache, processes, archives.

Nothing here knows of Kubernetes, of Tailrace or of an image's content.
"""
