"""Do what Python and the operating system lack: locks that survive a fork, work in threads, progress."""
