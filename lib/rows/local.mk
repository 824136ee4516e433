# lib/rows
