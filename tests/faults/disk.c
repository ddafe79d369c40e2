/* A disk that fails: preloaded into a process, lets reads or writes of some files fail.
 *
 * FAULT_FILE   part of the path of the files concerned
 * FAULT_KIND   "read", "write" or "sync"
 * FAULT_AFTER  calls that succeed first
 * FAULT_ERRNO  what the others fail with
 * FAULT_MARK   a file that is created at the first failure
 * FAULT_SIGNAL a signal that the process gets instead of the first failure, and as many calls more succeed as
 *              FAULT_MORE says
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
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static int fails(int fd, const char *kind)
{
    const char *wanted = getenv("FAULT_KIND"), *file = getenv("FAULT_FILE"), *mark = getenv("FAULT_MARK");
    char link[64], path[4096];
    if (!wanted || !file || strcmp(wanted, kind) != 0)
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
    long call = atomic_fetch_add(&calls, 1), after = atol(getenv("FAULT_AFTER"));
    if (call < after)
        return 0;
    const char *number = getenv("FAULT_SIGNAL"), *more = getenv("FAULT_MORE");
    if (number && call == after)
        raise(atoi(number));
    errno = before;
    if (number && call - after <= atol(more))
        return 0;
    if (mark)
        close(open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
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
WRAP(int, fsync, "sync", (int fd), (fd))
WRAP(int, fdatasync, "sync", (int fd), (fd))
