# lib/kernel
