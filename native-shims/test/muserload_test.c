/* set_muserload and muserload: pages that the program itself brings. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "tests.h"
#include "userload.h"

enum { PAGE = 4096, PAGES = 64, TOUCHERS = 4 };

static uint8_t *memory;
static uint8_t *store; /* what each page will hold; a page of it is empty once it was moved */
static atomic_int announced;
static atomic_int moved;
static atomic_int present;

static uint8_t content(size_t at)
{
    return (uint8_t)(at * 7 + at / PAGE + 1);
}

static void bring(int number, siginfo_t *info, void *context)
{
    uint8_t *page = (uint8_t *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));
    int result = muserload(store + (page - memory), page);

    (void)number;
    (void)context;
    atomic_fetch_add(&announced, 1);
    if (result == 0)
        atomic_fetch_add(&moved, 1);
    else if (result == -EEXIST)
        atomic_fetch_add(&present, 1);
    else
        _exit(-result);
}

static sigjmp_buf escape;
static void *volatile escaped_from;

static void escape_from(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    escaped_from = info->si_addr;
    siglongjmp(escape, 1);
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    CHECK_EQUAL(sigaction(number, &action, NULL), 0);
}

static void *map(size_t pages)
{
    void *mapped = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(mapped != MAP_FAILED);
    madvise(mapped, pages * PAGE, MADV_NOHUGEPAGE);
    return mapped;
}

static void begin(int signal_number)
{
    memory = map(PAGES);
    store = map(PAGES);
    for (size_t at = 0; at < PAGES * PAGE; at++)
        store[at] = content(at);
    atomic_store(&announced, 0);
    atomic_store(&moved, 0);
    atomic_store(&present, 0);
    CHECK_EQUAL(set_muserload(memory, PAGES * PAGE, signal_number), 0);
}

static void end(void)
{
    CHECK_EQUAL(unset_muserload(memory, PAGES * PAGE), 0);
    CHECK_EQUAL(unset_muserload(memory, PAGES * PAGE), -ENOENT);
    munmap(memory, PAGES * PAGE);
    munmap(store, PAGES * PAGE);
}

static void touch_brings_each_page_once(int signal_number)
{
    handle(signal_number, bring);
    begin(signal_number);
    for (size_t at = 5; at < PAGES * PAGE; at += 512) {
        errno = 77;
        CHECK_EQUAL(*(volatile uint8_t *)(memory + at), content(at));
        CHECK_EQUAL(errno, 77);
    }
#ifdef __SANITIZE_THREAD__ /* puts a signal off until the thread's next call, so it touches again before */
    CHECK(atomic_load(&announced) >= PAGES);
#else
    CHECK_EQUAL(atomic_load(&announced), PAGES);
#endif
    CHECK_EQUAL(atomic_load(&moved), PAGES);
    /* Zero-copy or not: the page it came from is empty. */
    for (size_t page = 0; page < PAGES; page++)
        CHECK_EQUAL(store[page * PAGE + 5], 0);
    end();
}

static void touch_delivers_any_signal(void)
{
    touch_brings_each_page_once(SIGUSR1);
    touch_brings_each_page_once(SIGRTMIN + 1);
    touch_brings_each_page_once(SIGBUS);
}

static void *touch_all(void *ignored)
{
    for (size_t at = 0; at < PAGES * PAGE; at += 64)
        CHECK_EQUAL(*(volatile uint8_t *)(memory + at), content(at));
    return ignored;
}

static void threads_that_race_find_the_page_in_place(void)
{
    handle(SIGUSR1, bring);
    for (int round = 0; round < 20; round++) {
        pthread_t threads[TOUCHERS];

        begin(SIGUSR1);
        for (int i = 0; i < TOUCHERS; i++)
            CHECK_EQUAL(pthread_create(&threads[i], NULL, touch_all, NULL), 0);
        for (int i = 0; i < TOUCHERS; i++)
            pthread_join(threads[i], NULL);
        CHECK_EQUAL(atomic_load(&moved), PAGES);
        CHECK_EQUAL(atomic_load(&announced), atomic_load(&moved) + atomic_load(&present));
        end();
    }
}

static void page_that_is_present_is_left_as_it_is(void)
{
    handle(SIGUSR1, bring);
    begin(SIGUSR1);
    CHECK_EQUAL(memory[0], content(0));
    CHECK_EQUAL(muserload(store + PAGE, memory), -EEXIST);
    CHECK_EQUAL(memory[0], content(0));
    CHECK_EQUAL(store[PAGE], content(PAGE));
    /* Also when it was taken from there, by a thread that was to bring the same page. */
    CHECK_EQUAL(muserload(store, memory), -EEXIST);
    CHECK_EQUAL(memory[0], content(0));
    madvise(memory, PAGE, MADV_DONTNEED);
    CHECK_EQUAL(muserload(store + PAGE, memory), 0);
    CHECK_EQUAL(memory[0], content(PAGE));
    end();
}

/* A small page out of a huge one cannot always be moved. */
static void where_a_move_cannot_be_done_the_page_is_copied(void)
{
    uint8_t *huge = map(1024);
    uint8_t *aligned = (uint8_t *)(((uintptr_t)huge + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1));

    handle(SIGUSR1, bring);
    begin(SIGUSR1);
    madvise(huge, 1024 * PAGE, MADV_HUGEPAGE);
    memset(aligned, 9, 2 << 20);
    for (size_t page = 0; page < PAGES; page++) {
        CHECK_EQUAL(muserload(aligned + page * PAGE, memory + page * PAGE), 0);
        CHECK_EQUAL(memory[page * PAGE + 17], 9);
        CHECK_EQUAL(aligned[page * PAGE + 17], 0);
    }
    end();
    munmap(huge, 1024 * PAGE);
}

static void blocked_signal_is_a_sigbus_and_no_hang(void)
{
    sigset_t blocked;
    sigset_t before;

    handle(SIGUSR1, bring);
    begin(SIGUSR1);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    if (sigsetjmp(escape, 1) == 0) {
        (void)*(volatile uint8_t *)(memory + 3 * PAGE + 1);
        CHECK(!"the touch returns");
    }
    CHECK(escaped_from == memory + 3 * PAGE + 1);
    sigprocmask(SIG_SETMASK, &before, NULL);
    CHECK_EQUAL(atomic_load(&announced), 0);
    CHECK_EQUAL(memory[3 * PAGE + 1], content(3 * PAGE + 1));
    signal(SIGUSR1, SIG_IGN);
    if (sigsetjmp(escape, 1) == 0) {
        (void)*(volatile uint8_t *)(memory + 4 * PAGE + 1);
        CHECK(!"the touch returns");
    }
    CHECK(escaped_from == memory + 4 * PAGE + 1);
    end();
}

static void wrong_ranges_are_refused(void)
{
    uint8_t *mapped = map(8);

    CHECK_EQUAL(set_muserload(mapped + 1, PAGE, SIGUSR1), -EINVAL);
    CHECK_EQUAL(set_muserload(mapped, PAGE + 1, SIGUSR1), -EINVAL);
    CHECK_EQUAL(set_muserload(mapped, 0, SIGUSR1), -EINVAL);
    CHECK_EQUAL(set_muserload(mapped, PAGE, 0), -EINVAL);
    CHECK_EQUAL(set_muserload(mapped, PAGE, SIGKILL), -EINVAL);
    CHECK_EQUAL(set_muserload(mapped, PAGE, 99), -EINVAL);
    CHECK_EQUAL(set_muserload((void *)(uintptr_t)-PAGE, PAGE * 2, SIGUSR1), -EINVAL);
    CHECK_EQUAL(set_muserload(mapped, 4 * PAGE, SIGUSR1), 0);
    CHECK_EQUAL(set_muserload(mapped + 3 * PAGE, 2 * PAGE, SIGUSR1), -EBUSY);
    CHECK_EQUAL(unset_muserload(mapped, 3 * PAGE), -ENOENT);
    CHECK_EQUAL(muserload(mapped + 5 * PAGE + 1, mapped), -EINVAL);
    mapped[5 * PAGE] = 1;
    CHECK_EQUAL(muserload(mapped + 5 * PAGE, mapped + 7 * PAGE), -ENOENT);
    CHECK_EQUAL(unset_muserload(mapped, 4 * PAGE), 0);
    CHECK_EQUAL(mapped[0], 0);
    munmap(mapped, 8 * PAGE);
}

int main(void)
{
    CHECK_EQUAL(muserload(map(1), map(1)), -EINVAL);
    handle(SIGBUS, escape_from); /* the handler that was there before */
    RUN_TEST(wrong_ranges_are_refused);
    RUN_TEST(blocked_signal_is_a_sigbus_and_no_hang);
    RUN_TEST(page_that_is_present_is_left_as_it_is);
    RUN_TEST(where_a_move_cannot_be_done_the_page_is_copied);
    RUN_TEST(threads_that_race_find_the_page_in_place);
    RUN_TEST(touch_delivers_any_signal);
    return 0;
}
