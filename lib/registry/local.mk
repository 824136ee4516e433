# lib/registry
