/* userload_open against a source in another process: threads that touch, sources that break, end and lie. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../src/clock.h"
#include "../src/handler.h"
#include "check.h"
#include "source.h"
#include "tests.h"
#include "userload.h"

enum { THREADS = 12 };

/* The handler that was there before: leaves the touch, if somebody wants that. */
static _Thread_local sigjmp_buf escape;
static _Thread_local volatile sig_atomic_t may_escape;
static _Thread_local void *volatile escaped_from;

static void escape_from_sigbus(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (!may_escape)
        _exit(3);
    escaped_from = info->si_addr;
    siglongjmp(escape, 1);
}

/* 0 and the byte, or -1 when the touch was a SIGBUS for the handler that was there before. */
static int touch(const volatile uint8_t *address, uint8_t *byte)
{
    int result = -1;

    if (sigsetjmp(escape, 1) == 0) {
        may_escape = 1;
        *byte = *address;
        result = 0;
    }
    may_escape = 0;
    return result;
}

static struct userload *open_session(const struct source *source, const struct userload_options *options)
{
    struct userload *session;
    int result = userload_open(source->address, options, &session);

    if (result != 0)
        fprintf(stderr, "userload_open: %s\n", userload_error(NULL));
    CHECK_EQUAL(result, 0);
    return session;
}

static void check_all(const struct userload *session)
{
    for (uint32_t region = 0; region < userload_region_count(session); region++) {
        const uint8_t *bytes = userload_region_address(session, region);

        for (size_t at = 0; at < userload_region_length(session, region); at += 61)
            CHECK_EQUAL(bytes[at], source_byte(region, at));
    }
}

struct toucher {
    const struct userload *session;
    uint64_t random;
    int touches;
};

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* errno is the program's: a fault in the middle of its work does not change it. */
static void *touch_at_random(void *argument)
{
    struct toucher *toucher = argument;

    for (int i = 0; i < toucher->touches; i++) {
        uint32_t region = (uint32_t)(next(&toucher->random) % userload_region_count(toucher->session));
        size_t at = next(&toucher->random) % userload_region_length(toucher->session, region);
        const volatile uint8_t *bytes = userload_region_address(toucher->session, region);

        errno = 1000 + i;
        CHECK_EQUAL(bytes[at], source_byte(region, at));
        CHECK_EQUAL(errno, 1000 + i);
    }
    return NULL;
}

static void touch_by_threads(const struct userload *session, int touches)
{
    pthread_t threads[THREADS];
    struct toucher touchers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        touchers[i] = (struct toucher){.session = session, .random = 88172645463325252ULL + (uint64_t)i * 77, .touches = touches};
        CHECK_EQUAL(pthread_create(&threads[i], NULL, touch_at_random, &touchers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
}

static void check_sum(const struct userload *session)
{
    struct userload_statistics statistics = {.size = sizeof statistics};

    CHECK_EQUAL(userload_get_statistics(session, &statistics), 0);
    CHECK_EQUAL(statistics.pages_missing, 0);
    CHECK_EQUAL(statistics.pages_on_demand + statistics.pages_in_stream, statistics.pages);
    CHECK_EQUAL(statistics.faults_failed, 0);
    CHECK(statistics.fault_p50_ns <= statistics.fault_p99_ns);
}

static const struct source_manner GOOD = {.pages = {3000, 500}};

static void pages_come_once_by_threads_and_stream(const char *path)
{
    struct source source = source_start(&GOOD, path);

    for (int round = 0; round < 3; round++) {
        /* More threads than connections, as many, one. */
        const struct userload_options options = {.size = sizeof options, .connections = round == 0 ? 4 : round == 1 ? THREADS : 1};
        struct userload *session = open_session(&source, &options);

        CHECK_EQUAL(userload_region_count(session), 2);
        CHECK_EQUAL(userload_region_length(session, 0), 3000 * 4096);
        CHECK_EQUAL(userload_region_guest_address(session, 1), (uint64_t)1 << 40);
        CHECK(userload_region_address(session, 2) == NULL && userload_region_length(session, 2) == 0);
        touch_by_threads(session, 400);
        CHECK_EQUAL(userload_wait(session, 60000), 0);
        check_sum(session);
        check_all(session);
        userload_close(session);
    }
    source_stop(&source);
}

static void pages_come_over_tcp(void)
{
    pages_come_once_by_threads_and_stream(NULL);
}

static void pages_come_over_a_unix_socket(void)
{
    char path[64];

    snprintf(path, sizeof path, "/tmp/userload-test-%d.sock", getpid());
    pages_come_once_by_threads_and_stream(path);
    unlink(path);
}

static void without_the_stream_the_last_touch_completes(void)
{
    struct source source = source_start(&GOOD, NULL);
    const struct userload_options options = {.size = sizeof options, .no_stream = 1};
    struct userload *session = open_session(&source, &options);

    CHECK_EQUAL(userload_wait(session, 10), -ETIMEDOUT);
    check_all(session);
    CHECK_EQUAL(userload_wait(session, 60000), 0);
    check_sum(session);
    userload_close(session);
    source_stop(&source);
}

static void written_bytes_are_never_overwritten(void)
{
    struct source source = source_start(&GOOD, NULL);
    struct userload *session = open_session(&source, NULL);
    uint8_t *bytes = userload_region_address(session, 0);

    for (size_t page = 0; page < 3000; page += 3)
        bytes[page * 4096 + 100] = (uint8_t)(page | 1);
    CHECK_EQUAL(userload_wait(session, 60000), 0);
    for (size_t page = 0; page < 3000; page++) {
        CHECK_EQUAL(bytes[page * 4096 + 100],
                    page % 3 == 0 ? (uint8_t)(page | 1) : source_byte(0, page * 4096 + 100));
        CHECK_EQUAL(bytes[page * 4096 + 101], source_byte(0, page * 4096 + 101));
    }
    userload_close(session);
    source_stop(&source);
}

static void broken_connections_are_opened_again(void)
{
    const struct source_manner manner = {.pages = {800, 100}, .break_every = 9};
    struct source source = source_start(&manner, NULL);
    const struct userload_options options = {.size = sizeof options, .connections = 3, .no_stream = 1};
    struct userload *session = open_session(&source, &options);
    struct userload_statistics statistics = {.size = sizeof statistics};

    touch_by_threads(session, 150);
    check_all(session);
    CHECK_EQUAL(userload_wait(session, 60000), 0);
    check_sum(session);
    CHECK_EQUAL(userload_get_statistics(session, &statistics), 0);
    CHECK(statistics.reconnects > 50);
    userload_close(session);
    source_stop(&source);
}

static void silence_is_a_sigbus_at_the_deadline(void)
{
    const struct source_manner manner = {.pages = {100, 10}, .silent_from = 3};
    struct source source = source_start(&manner, NULL);
    const struct userload_options options = {
        .size = sizeof options, .connections = 1, .no_stream = 1, .deadline_ms = 300};
    struct userload *session = open_session(&source, &options);
    uint8_t *bytes = userload_region_address(session, 0);
    uint8_t byte;

    CHECK_EQUAL(touch(bytes + 10, &byte), 0);
    CHECK_EQUAL(byte, source_byte(0, 10));
    CHECK_EQUAL(touch(bytes + 5000, &byte), 0);
    for (int i = 0; i < 2; i++) {
        int64_t start = userload_now_ns();

        CHECK_EQUAL(touch(bytes + 9001, &byte), -1);
        CHECK(escaped_from == bytes + 9001);
        CHECK(userload_now_ns() - start >= 250 * 1000000LL);
    }
    CHECK_EQUAL(touch(bytes + 20, &byte), 0);
    userload_close(session);
    source_stop(&source);
}

static void lost_source_is_a_sigbus_soon(void)
{
    const struct source_manner manner = {.pages = {100, 10}, .die_at = 3};
    struct source source = source_start(&manner, NULL);
    const struct userload_options options = {.size = sizeof options, .no_stream = 1};
    struct userload *session = open_session(&source, &options);
    uint8_t *bytes = userload_region_address(session, 0);
    uint8_t byte;

    CHECK_EQUAL(touch(bytes, &byte), 0);
    CHECK_EQUAL(touch(bytes + 4096, &byte), 0);
    CHECK_EQUAL(touch(bytes + 8192, &byte), -1);
    CHECK_EQUAL(touch(bytes + 12288, &byte), -1);
    CHECK(userload_wait(session, 10000) < 0);
    CHECK(strstr(userload_error(session), "connection") != NULL);
    CHECK_EQUAL(touch(bytes + 1, &byte), 0);
    userload_close(session);
    source_stop(&source);
}

static void wrong_answers_are_a_sigbus_and_install_nothing(void)
{
    const struct source_manner manner = {.pages = {100, 10}, .wrong_every = 2};
    struct source source = source_start(&manner, NULL);
    const struct userload_options options = {.size = sizeof options, .connections = 1, .no_stream = 1};
    struct userload *session = open_session(&source, &options);
    uint8_t *bytes = userload_region_address(session, 0);

    for (size_t page = 0; page < 100; page++) {
        uint8_t byte;

        if (touch(bytes + page * 4096 + 9, &byte) != 0)
            CHECK_EQUAL(touch(bytes + page * 4096 + 9, &byte), 0);
        CHECK_EQUAL(byte, source_byte(0, page * 4096 + 9));
    }
    userload_close(session);
    source_stop(&source);
}

static void other_sigbus_is_for_the_handler_before(void)
{
    struct source source = source_start(&GOOD, NULL);
    struct userload *session = open_session(&source, NULL);
    char path[] = "/tmp/userload-test-XXXXXX";
    int fd = mkstemp(path);
    uint8_t *mapped;
    uint8_t byte;

    CHECK(fd >= 0 && unlink(path) == 0 && ftruncate(fd, 8192) == 0);
    mapped = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(mapped != MAP_FAILED && ftruncate(fd, 0) == 0);
    CHECK_EQUAL(touch(mapped + 4097, &byte), -1);
    CHECK(escaped_from == mapped + 4097);
    munmap(mapped, 8192);
    close(fd);
    userload_close(session);
    source_stop(&source);
}

static void touch_inside_a_fetch_is_reported_and_no_hang(void)
{
    struct source source = source_start(&GOOD, NULL);
    const struct userload_options options = {.size = sizeof options, .no_stream = 1};
    struct userload *session = open_session(&source, &options);
    uint8_t *bytes = userload_region_address(session, 0);
    char text[256] = {0};
    char address[32];
    int said[2];
    int standard_error = dup(STDERR_FILENO);
    uint8_t byte;
    int result;

    CHECK(pipe(said) == 0 && dup2(said[1], STDERR_FILENO) >= 0);
    userload_enter();
    result = touch(bytes + 4096 * 2, &byte);
    userload_leave();
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    close(said[1]);
    CHECK(read(said[0], text, sizeof text - 1) > 0);
    close(said[0]);
    CHECK_EQUAL(result, -1);
    snprintf(address, sizeof address, "0x%016llx", (unsigned long long)(uintptr_t)(bytes + 4096 * 2));
    CHECK(strstr(text, address) != NULL);
    CHECK_EQUAL(touch(bytes + 4096 * 2, &byte), 0);
    userload_close(session);
    source_stop(&source);
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void nothing_is_left_open(void)
{
    int before = open_descriptors();
    struct source source = source_start(&GOOD, NULL);

    for (int i = 0; i < 80; i++) {
        const struct userload_options options = {.size = sizeof options, .connections = 2, .no_stream = i % 2};
        struct userload *session = open_session(&source, &options);

        if (i % 4 == 0)
            touch_by_threads(session, 3);
        userload_close(session);
    }
    source_stop(&source);
    CHECK_EQUAL(open_descriptors(), before);
}

static void what_cannot_be_opened_says_why(void)
{
    const struct source_manner old = {.pages = {10, 10}, .unknown_role = 1};
    const struct userload_options many = {.size = sizeof many, .connections = 257};
    const struct userload_options small = {.size = 4};
    struct source source = source_start(&old, NULL);
    struct userload *session;

    CHECK_EQUAL(userload_open("nonsense", NULL, &session), -EINVAL);
    CHECK(session == NULL && strstr(userload_error(NULL), "'nonsense' is not an address") != NULL);
    CHECK_EQUAL(userload_open("127.0.0.1:1", NULL, &session), -ECONNREFUSED);
    CHECK(strstr(userload_error(NULL), "127.0.0.1:1") != NULL);
    CHECK_EQUAL(userload_open(source.address, &many, &session), -EINVAL);
    CHECK_EQUAL(userload_open(source.address, &small, &session), -EINVAL);
    CHECK_EQUAL(userload_open(source.address, NULL, &session), -EPROTONOSUPPORT);
    CHECK(strstr(userload_error(NULL), "no connections for faults") != NULL);
    userload_close(NULL);
    source_stop(&source);
}

int main(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = escape_from_sigbus;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    CHECK_EQUAL(sigaction(SIGBUS, &action, NULL), 0);
    RUN_TEST(pages_come_over_tcp);
    RUN_TEST(pages_come_over_a_unix_socket);
    RUN_TEST(without_the_stream_the_last_touch_completes);
    RUN_TEST(written_bytes_are_never_overwritten);
    RUN_TEST(broken_connections_are_opened_again);
    RUN_TEST(silence_is_a_sigbus_at_the_deadline);
    RUN_TEST(lost_source_is_a_sigbus_soon);
    RUN_TEST(wrong_answers_are_a_sigbus_and_install_nothing);
    RUN_TEST(other_sigbus_is_for_the_handler_before);
    RUN_TEST(touch_inside_a_fetch_is_reported_and_no_hang);
    RUN_TEST(nothing_is_left_open);
    RUN_TEST(what_cannot_be_opened_says_why);
    return 0;
}
