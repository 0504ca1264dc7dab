"""The command line. It imports neither operator nor runner nor facade: `tailrace run` starts the runner."""
