/* A disk that fails: preloaded into a process, lets reads or writes of some files fail, or sends the process a
 * signal before one of them.
 *
 * FAULT_FILE   part of the path of the files concerned; of a socket it is "socket:" and a number
 * FAULT_KIND   "read", "write", "sync", for the last two "change"; "name" for what makes, renames or removes a name or
 *              changes who may do what with it; for all of them "call"
 * FAULT_AFTER  calls that succeed first
 * FAULT_ERRNO  what the others fail with
 * FAULT_SIGNAL a signal that the process gets instead of the first failure
 * FAULT_MARK   a file that is created at the first failure, or before that signal if all calls after it succeed
 * FAULT_MORE   calls that succeed after that signal; all of them if absent
 * FAULT_LOG    a file that gets a line for each call concerned before the first failure: the path, and for "call" its
 *              kind before it
 *
 * Knows the C library only; what asks the kernel directly is not reached, but for names: the kernel sends a signal for
 * those calls, where it can (x86-64 and AArch64).
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

/* Whether calls of this kind are concerned. */
static int wanted_kind(const char *kind)
{
    const char *wanted = getenv("FAULT_KIND");
    if (!wanted || !getenv("FAULT_FILE"))
        return 0;
    return strcmp(wanted, kind) == 0 || strcmp(wanted, "call") == 0 ||
           (strcmp(wanted, "change") == 0 && (strcmp(kind, "write") == 0 || strcmp(kind, "sync") == 0));
}

/* The path that an open file has. */
static int path_of(int fd, char *path, size_t size)
{
    char link[64];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    errno = before;
    if (length < 0)
        return 0;
    path[length] = 0;
    return 1;
}

static int fails_at(const char *path, const char *kind)
{
    const char *file = getenv("FAULT_FILE"), *mark = getenv("FAULT_MARK");
    int named = strcmp(getenv("FAULT_KIND"), "call") == 0, before = errno;
    const char *signal = getenv("FAULT_SIGNAL"), *log = getenv("FAULT_LOG");
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
    if (signal && call == after) {
        kill(getpid(), atoi(signal));
        /* Another thread may take it, and on a busy machine it may be late. */
        if (more)
            usleep(200000);
    }
    if (signalled) {
        errno = before;
        return 0;
    }
    errno = atoi(getenv("FAULT_ERRNO"));
    return 1;
}

static int fails(int fd, const char *kind)
{
    char path[4096];
    return wanted_kind(kind) && path_of(fd, path, sizeof path) && fails_at(path, kind);
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

#if defined(__x86_64__) || defined(__aarch64__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

/* What the sixth argument is when such a call is made from here; none of them has one. */
#define OURS 0x5ca1ab1eU

#if defined(__x86_64__)
#define NUMBER(context) (context)->uc_mcontext.gregs[REG_RAX]
#define RESULT(context) (context)->uc_mcontext.gregs[REG_RAX]
static const int registers[5] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8};
#define ARGUMENT(context, n) (context)->uc_mcontext.gregs[registers[n]]
#else
#define NUMBER(context) (context)->uc_mcontext.regs[8]
#define RESULT(context) (context)->uc_mcontext.regs[0]
#define ARGUMENT(context, n) (context)->uc_mcontext.regs[n]
#endif

/* Which calls change names, and what their first two arguments are. */
enum form { PATH, AT, DESCRIPTOR };
static const struct {
    int number;
    enum form form;
} names[] = {
#ifdef SYS_rename
    {SYS_rename, PATH}, {SYS_unlink, PATH}, {SYS_rmdir, PATH}, {SYS_mkdir, PATH}, {SYS_link, PATH},
    {SYS_symlink, PATH}, {SYS_chmod, PATH}, {SYS_chown, PATH}, {SYS_lchown, PATH},
#endif
#ifdef SYS_renameat
    {SYS_renameat, AT},
#endif
    {SYS_renameat2, AT}, {SYS_unlinkat, AT}, {SYS_mkdirat, AT}, {SYS_linkat, AT}, {SYS_fchmodat, AT},
    {SYS_fchownat, AT}, {SYS_fchmod, DESCRIPTOR}, {SYS_fchown, DESCRIPTOR},
};
#define NAMES (sizeof names / sizeof *names)

static void trapped(int signal, siginfo_t *info, void *place)
{
    (void)signal;
    (void)info;
    ucontext_t *context = place;
    long number = NUMBER(context), result = 0, before = errno;
    char path[8192] = "";
    enum form form = PATH;
    for (size_t n = 0; n < NAMES; n++)
        if (names[n].number == number)
            form = names[n].form;
    const char *name = form == DESCRIPTOR ? "" : (const char *)ARGUMENT(context, form == AT);
    size_t used = 0;
    if (form == DESCRIPTOR || (form == AT && name && *name != '/')) {
        path_of((int)ARGUMENT(context, 0), path, 4096);
        used = strlen(path);
    }
    snprintf(path + used, sizeof path - used, "%s%s", used && *name ? "/" : "", name ? name : "");
    if (fails_at(path, "name"))
        result = -errno;
    else {
        result = syscall(number, ARGUMENT(context, 0), ARGUMENT(context, 1), ARGUMENT(context, 2),
                         ARGUMENT(context, 3), ARGUMENT(context, 4), (long)OURS);
        if (result < 0)
            result = -errno;
    }
    errno = before;
    RESULT(context) = result;
}

#define NUMBER_OFFSET offsetof(struct seccomp_data, nr)
#define SIXTH_OFFSET (offsetof(struct seccomp_data, args) + 5 * sizeof(uint64_t))

__attribute__((constructor)) static void watch_names(void)
{
    if (!wanted_kind("name"))
        return;
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sock_filter program[NAMES + 5];
    unsigned short length = 0;
    program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SIXTH_OFFSET);
    program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OURS, NAMES + 1, 0);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER_OFFSET);
    for (size_t n = 0; n < NAMES; n++)
        program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)names[n].number,
                                                         (unsigned char)(NAMES - n), 0);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog filter = {.len = length, .filter = program};
    /* Where the kernel declines, there are no such calls. */
    if (sigaction(SIGSYS, &action, NULL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        (void)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}
#endif
