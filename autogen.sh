#!/bin/sh
# Makes configure and Makefile.in.
set -e
cd "$(dirname "$0")"
mkdir -p build-aux
exec autoreconf --install --warnings=all
