/*
 * set_muserload, muserload and unset_muserload: the calls of userload.h that leave it to the program where pages come from.
 */
#include "deliver.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "handler.h"
#include "session.h"
#include "uffd.h"
#include "userload.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

enum { MOST_RANGES = 1024 };

/* Written under the lock; read by the handler: end is set last and cleared first. */
struct range {
    _Atomic uint64_t start;
    _Atomic uint64_t end; /* 0: not in use */
    _Atomic int signal;
};

static struct range ranges[MOST_RANGES];
static _Atomic uint32_t used;
static _Atomic int descriptor = -1;
static int moves;
static pthread_mutex_t changes = PTHREAD_MUTEX_INITIALIZER;

static struct range *find(uint64_t address)
{
    uint32_t count = atomic_load(&used);

    for (uint32_t i = 0; i < count; i++) {
        uint64_t end = atomic_load(&ranges[i].end);

        if (address < end && address >= atomic_load(&ranges[i].start) && atomic_load(&ranges[i].end) == end)
            return &ranges[i];
    }
    return NULL;
}

/* A signal that the thread has blocked, or that has no handler, would leave it to fault for ever. */
static int is_handled(int signal_number, const void *context)
{
    const ucontext_t *interrupted = context;
    struct sigaction action;

    if (sigismember(&interrupted->uc_sigmask, signal_number) == 1)
        return 0;
    if (sigaction(signal_number, NULL, &action) != 0)
        return 0;
    return (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

int userload_deliver(const siginfo_t *info, const void *context)
{
    const struct range *range = find((uintptr_t)info->si_addr);
    siginfo_t queued = *info;

    if (range == NULL)
        return 0;
    queued.si_signo = atomic_load(&range->signal);
    if (queued.si_signo == SIGBUS || !is_handled(queued.si_signo, context))
        return 0;
    return syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), queued.si_signo, &queued) == 0;
}

static uint64_t page_bytes(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

static int is_aligned(const void *start, size_t length)
{
    uint64_t mask = page_bytes() - 1;

    return length != 0 && ((uintptr_t)start & mask) == 0 && (length & mask) == 0 && (uintptr_t)start + length != 0
           && (uintptr_t)start + length > (uintptr_t)start;
}

static int open_once(void)
{
    if (atomic_load(&descriptor) < 0) {
        int fd = userload_uffd_open(&moves);

        if (fd < 0)
            return fd;
        atomic_store(&descriptor, fd);
    }
    return 0;
}

static struct range *free_range(void)
{
    uint32_t count = atomic_load(&used);

    for (uint32_t i = 0; i < count; i++)
        if (atomic_load(&ranges[i].end) == 0)
            return &ranges[i];
    return count < MOST_RANGES ? &ranges[count] : NULL;
}

static int overlaps(uint64_t start, uint64_t end)
{
    uint32_t count = atomic_load(&used);

    for (uint32_t i = 0; i < count; i++)
        if (start < atomic_load(&ranges[i].end) && atomic_load(&ranges[i].start) < end)
            return 1;
    return 0;
}

static int add(uint64_t start, uint64_t end, int signal_number)
{
    struct range *range = free_range();
    int result;

    if (range == NULL)
        return -ENOMEM;
    if (overlaps(start, end))
        return -EBUSY;
    atomic_store(&range->start, start);
    atomic_store(&range->signal, signal_number);
    atomic_store(&range->end, end);
    if (range == &ranges[atomic_load(&used)])
        atomic_fetch_add(&used, 1);
    result = userload_uffd_register(atomic_load(&descriptor), start, end - start);
    if (result != 0)
        atomic_store(&range->end, 0);
    return result;
}

int set_muserload(void *start, size_t length, int signal_number)
{
    int result;

    if (!is_aligned(start, length) || signal_number < 1 || signal_number > SIGRTMAX || signal_number == SIGKILL
        || signal_number == SIGSTOP)
        return -EINVAL;
    pthread_mutex_lock(&changes);
    result = open_once();
    if (result == 0 && signal_number != SIGBUS)
        result = userload_handler_install();
    if (result == 0)
        result = add((uintptr_t)start, (uintptr_t)start + length, signal_number);
    pthread_mutex_unlock(&changes);
    return result;
}

int unset_muserload(void *start, size_t length)
{
    int result = -ENOENT;
    uint32_t count;

    pthread_mutex_lock(&changes);
    count = atomic_load(&used);
    for (uint32_t i = 0; i < count; i++) {
        if (atomic_load(&ranges[i].start) == (uintptr_t)start
            && atomic_load(&ranges[i].end) == (uintptr_t)start + length) {
            result = userload_uffd_unregister(atomic_load(&descriptor), (uintptr_t)start, length);
            if (result == 0)
                atomic_store(&ranges[i].end, 0);
        }
    }
    pthread_mutex_unlock(&changes);
    return result;
}

/* Where a move cannot be done, a copy can. */
static int needs_copy(int result)
{
    return result == -EBUSY || result == -EINVAL || result == -ENOSYS || result == -ENOTTY || result == -EOPNOTSUPP
           || result == -ENOMEM;
}

/* Asks the kernel to read the page: where it is missing that is EFAULT, and no signal. */
static int is_present(void *page, uint64_t bytes)
{
    int result;

    do
        result = madvise(page, bytes, MADV_POPULATE_READ);
    while (result != 0 && (errno == EINTR || errno == EAGAIN));
    return result == 0;
}

int muserload(void *from, void *to)
{
    uint64_t bytes = page_bytes();
    int uffd = atomic_load(&descriptor);
    int saved = errno;
    int result = -EINVAL;

    if (uffd < 0 || !is_aligned(from, bytes) || !is_aligned(to, bytes))
        return -EINVAL;
    if (find((uintptr_t)to) == NULL)
        return -ENOENT;
    do
        result = moves ? userload_uffd_move(uffd, (uintptr_t)to, (uintptr_t)from, bytes) : -ENOSYS;
    while (result == -EAGAIN);
    if (needs_copy(result)) {
        int64_t copied;

        do
            copied = userload_uffd_copy(uffd, (uintptr_t)to, (uintptr_t)from, bytes);
        while (copied == -EAGAIN);
        result = copied > 0 ? 0 : (int)copied;
        if (result == 0)
            madvise(from, bytes, MADV_DONTNEED);
    }
    /* The kernel looks at from first: another thread that was to bring the same page has taken it. */
    if (result == -ENOENT && is_present(to, bytes))
        result = -EEXIST;
    errno = saved;
    return result;
}
