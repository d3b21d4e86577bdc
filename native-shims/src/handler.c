#include "handler.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "deliver.h"
#include "registry.h"

/*
 * How often in a row a thread may find that an address is ordinary memory by now. It goes on at the first attempt, unless
 * something else was mapped there since, whose fault this is.
 */
enum { MOST_ATTEMPTS = 16 };

/* What the kernel says of a missing page; BUS_MCEERR_AR, broken memory, is not ours. */
enum { MISSING = BUS_ADRERR };

static _Thread_local volatile sig_atomic_t depth;
static _Thread_local uint64_t tried_address;
static _Thread_local uint32_t attempts;

static struct sigaction previous;
static int installed;
static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;

void userload_enter(void)
{
    depth++;
    atomic_signal_fence(memory_order_seq_cst);
}

void userload_leave(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    depth--;
}

static void report_double_fault(uint64_t address)
{
    char text[] = "userload: a touch of 0x0000000000000000, which is missing, while this thread fetches a page: the stack of a"
                  " signal handler or a buffer lies in paged memory\n";
    char *digit = strchr(text, 'x') + 16;
    ssize_t ignored;

    for (; address != 0; address >>= 4)
        *digit-- = "0123456789abcdef"[address & 15];
    ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
}

/* As if there were no handler: the access is tried again and ends the process; a signal that was sent is sent again. */
static void act_by_default(int signal_number, const siginfo_t *info)
{
    struct sigaction standard;

    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(signal_number, &standard, NULL);
    if (info->si_code <= 0)
        syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal_number);
}

static void pass_on(int signal_number, siginfo_t *info, void *context)
{
    if ((previous.sa_flags & SA_SIGINFO) != 0)
        previous.sa_sigaction(signal_number, info, context);
    else if (previous.sa_handler == SIG_DFL)
        act_by_default(signal_number, info);
    else if (previous.sa_handler != SIG_IGN)
        previous.sa_handler(signal_number);
    else if (info->si_code > 0)
        act_by_default(signal_number, info); /* as the kernel does: a fault cannot be ignored */
}

/* Whether to try an access again that should not have failed. */
static int may_try_again(uint64_t address)
{
    if (address != tried_address) {
        tried_address = address;
        attempts = 0;
    }
    return ++attempts <= MOST_ATTEMPTS;
}

/* Whether the access may be tried again. */
static int serve(struct userload_session *session, struct userload_range *range, uint64_t address)
{
    int64_t start = userload_now_ns();
    int64_t nanos;
    int result;

    if (depth > 0) {
        report_double_fault(address);
        return 0;
    }
    userload_enter();
    result = atomic_load(&session->state) == USERLOAD_GONE
                 ? USERLOAD_TRY_AGAIN
                 : userload_fetch(session, range, (address - range->start) >> session->page_shift, start);
    nanos = userload_now_ns() - start;
    if (result == 0) {
        userload_latency_record(&session->latencies, nanos);
        atomic_fetch_add_explicit(&session->counts.blocked_ns, (uint64_t)nanos, memory_order_relaxed);
    }
    userload_leave();
    return result == 0 || (result == USERLOAD_TRY_AGAIN && may_try_again(address));
}

static void on_sigbus(int signal_number, siginfo_t *info, void *context)
{
    int saved = errno;
    int served = 0;

    if (info->si_code == MISSING) {
        uint64_t address = (uintptr_t)info->si_addr;
        struct userload_range *range;
        int handle;
        struct userload_session *session = userload_registry_find(address, &range, &handle);

        if (session != NULL) {
            served = serve(session, range, address);
            userload_registry_drop(handle);
        } else {
            served = userload_deliver(info, context);
        }
    }
    errno = saved;
    if (!served)
        pass_on(signal_number, info, context);
}

int userload_handler_install(void)
{
    struct sigaction ours;
    int result = 0;

    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = on_sigbus;
    /* A fault inside the handler must come here, or the kernel ends the process without a word. */
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
    /* Other handlers wait until the page is there: they could touch missing pages themselves. */
    sigfillset(&ours.sa_mask);
    sigdelset(&ours.sa_mask, SIGBUS);
    sigdelset(&ours.sa_mask, SIGSEGV);
    sigdelset(&ours.sa_mask, SIGILL);
    sigdelset(&ours.sa_mask, SIGFPE);
    sigdelset(&ours.sa_mask, SIGTRAP);
    pthread_mutex_lock(&installing);
    if (!installed) {
        /* Known before the first signal can come here. */
        if (sigaction(SIGBUS, NULL, &previous) != 0 || sigaction(SIGBUS, &ours, NULL) != 0)
            result = -errno;
        else
            installed = 1;
    }
    pthread_mutex_unlock(&installing);
    return result;
}
