#!/usr/bin/env python3
"""Measures Gatehouse against its peers on this machine; README.md says how to read the result."""
import sys

from gatehouse_bench.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
