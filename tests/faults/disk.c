/* A disk that fails: preloaded into a process, lets reads or writes of some files fail, or sends the process a
 * signal before one of them.
 *
 * FAULT_FILE   part of the path of the files concerned; of a socket it is "socket:" and a number
 * FAULT_KIND   "read", "write", "sync", for the last two "change", for all of them "call"
 * FAULT_AFTER  calls that succeed first
 * FAULT_ERRNO  what the others fail with
 * FAULT_SIGNAL a signal that the process gets instead of the first failure
 * FAULT_MARK   a file that is created at the first failure, or before that signal if all calls after it succeed
 * FAULT_MORE   calls that succeed after that signal; all of them if absent
 * FAULT_LOG    a file that gets a line for each call concerned before the first failure: the path, and for "call" its
 *              kind before it
 *
 * Knows the C library only; what asks the kernel directly is not reached.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static int fails(int fd, const char *kind)
{
    const char *wanted = getenv("FAULT_KIND"), *file = getenv("FAULT_FILE"), *mark = getenv("FAULT_MARK");
    char link[64], path[4096];
    const char *signal = getenv("FAULT_SIGNAL"), *log = getenv("FAULT_LOG");
    if (!wanted || !file)
        return 0;
    int named = strcmp(wanted, "call") == 0;
    int any = named || (strcmp(wanted, "change") == 0 && strcmp(kind, "read") != 0);
    if (strcmp(wanted, kind) != 0 && !any)
        return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0)
        return 0;
    path[length] = 0;
    if (!strstr(path, file))
        return 0;
    const char *more = getenv("FAULT_MORE");
    long call = atomic_fetch_add(&calls, 1), after = atol(getenv("FAULT_AFTER"));
    if (call < after) {
        if (log) {
            int to = open(log, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0644);
            dprintf(to, "%s%s%s\n", named ? kind : "", named ? " " : "", path);
            close(to);
        }
        errno = before;
        return 0;
    }
    int signalled = signal && (!more || call - after <= atol(more));
    if (mark && (signalled ? !more && call == after : 1))
        close(open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    if (signal && call == after)
        kill(getpid(), atoi(signal));
    if (signalled) {
        errno = before;
        return 0;
    }
    errno = atoi(getenv("FAULT_ERRNO"));
    return 1;
}

#define WRAP(type, name, kind, parameters, arguments)                  \
    type name parameters                                               \
    {                                                                  \
        static type(*_Atomic real) parameters;                         \
        if (!real)                                                     \
            real = (type(*) parameters)dlsym(RTLD_NEXT, #name);        \
        return fails(fd, kind) ? -1 : real arguments;                  \
    }

WRAP(ssize_t, read, "read", (int fd, void *to, size_t n), (fd, to, n))
WRAP(ssize_t, readv, "read", (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(ssize_t, pread, "read", (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
WRAP(ssize_t, pread64, "read", (int fd, void *to, size_t n, off64_t at), (fd, to, n, at))
WRAP(ssize_t, write, "write", (int fd, const void *from, size_t n), (fd, from, n))
WRAP(ssize_t, writev, "write", (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(ssize_t, pwrite, "write", (int fd, const void *from, size_t n, off_t at), (fd, from, n, at))
WRAP(ssize_t, pwrite64, "write", (int fd, const void *from, size_t n, off64_t at), (fd, from, n, at))
WRAP(ssize_t, send, "write", (int fd, const void *from, size_t n, int f), (fd, from, n, f))
WRAP(ssize_t, sendmsg, "write", (int fd, const struct msghdr *m, int f), (fd, m, f))
WRAP(int, ftruncate, "write", (int fd, off_t to), (fd, to))
WRAP(int, ftruncate64, "write", (int fd, off64_t to), (fd, to))
WRAP(int, fsync, "sync", (int fd), (fd))
WRAP(int, fdatasync, "sync", (int fd), (fd))
