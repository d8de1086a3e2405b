@rem npm's scripts say "exec node ...", so that on Linux and macOS a signal sent to npm reaches the cluster and not the shell
@rem between them. Windows' shell has no such word; here it is.
@%*
