# lib/check
