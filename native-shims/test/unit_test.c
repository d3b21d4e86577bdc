/* What needs no source: frames, addresses, the histogram, the gate, the table of sessions. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../src/address.h"
#include "../src/gate.h"
#include "../src/latency.h"
#include "../src/registry.h"
#include "../src/wire.h"
#include "check.h"
#include "tests.h"

/* The bytes of docs/protocol.md. */
static void frames_are_those_of_the_protocol(void)
{
    static const uint8_t request[] = {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 7};
    static const uint8_t hello[] = {
        1, 0, 0, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0x55, 0x53, 0x45, 0x52, 0x4c, 0x4f, 0x41, 0x44, 0, 1, 1, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const struct userload_header header = {.type = USERLOAD_REQUEST, .first_page = 2048, .count = 1, .id = 7};
    const struct userload_hello ask = {.role = USERLOAD_CONTROL, .page_bytes = 4096, .features = 1};
    struct userload_header back;
    uint8_t out[sizeof hello];

    userload_header_put(out, &header);
    CHECK(memcmp(out, request, sizeof request) == 0);
    CHECK_EQUAL(userload_header_get(out, &back), 0);
    CHECK(back.type == header.type && back.first_page == 2048 && back.count == 1 && back.id == 7);
    out[1] = 1;
    CHECK_EQUAL(userload_header_get(out, &back), -EPROTO);
    userload_hello_put(out, &ask);
    CHECK(memcmp(out, hello, sizeof hello) == 0);
}

static void wrong_hellos_are_refused(void)
{
    struct userload_hello ask = {.role = USERLOAD_SYNC, .page_bytes = 4096, .features = 0x1122334455667788};
    struct userload_hello back;
    uint8_t out[USERLOAD_HEADER_BYTES + USERLOAD_HELLO_BYTES];
    uint8_t *body = out + USERLOAD_HEADER_BYTES;

    userload_hello_put(out, &ask);
    CHECK_EQUAL(userload_hello_get(body, USERLOAD_HELLO_BYTES, &back), 0);
    CHECK(back.role == USERLOAD_SYNC && back.page_bytes == 4096 && back.features == ask.features && back.regions == 0);
    CHECK_EQUAL(userload_hello_get(body, USERLOAD_HELLO_BYTES + 16, &back), -EPROTO);
    body[43] = 1;
    CHECK_EQUAL(userload_hello_get(body, USERLOAD_HELLO_BYTES + 16, &back), 0);
    body[40] = 1;
    CHECK_EQUAL(userload_hello_get(body, USERLOAD_HELLO_BYTES + 16, &back), -EPROTO);
    body[9] = 2;
    CHECK_EQUAL(userload_hello_get(body, USERLOAD_HELLO_BYTES + 16, &back), -EPROTONOSUPPORT);
    body[0] = 'X';
    CHECK_EQUAL(userload_hello_get(body, USERLOAD_HELLO_BYTES + 16, &back), -EPROTO);
}

static void wrong_addresses_are_refused_with_the_reason(void)
{
    static const char *const wrong[] = {"",       "host",      ":1",       "host:",       "host:0",   "host:65536",
                                        "host:x", "::1:7070",  "[::1]",    "[]:7070",     "unix:",    "host:-1",
                                        "host:1 ", "host: 1x", "127.0.0.1:99999999999999999999"};
    struct userload_address out[USERLOAD_MAX_ADDRESSES];
    char error[256];
    char path[300];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        error[0] = '\0';
        CHECK_EQUAL(userload_address_resolve(wrong[i], out, error, sizeof error), -EINVAL);
        CHECK(strstr(error, "is not an address") != NULL);
    }
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    memcpy(path, "unix:", 5);
    CHECK_EQUAL(userload_address_resolve(path, out, error, sizeof error), -EINVAL);
    path[5 + 107] = '\0';
    CHECK_EQUAL(userload_address_resolve(path, out, error, sizeof error), 1);
    CHECK_EQUAL(userload_address_resolve("127.0.0.1:7070", out, error, sizeof error), 1);
    CHECK_EQUAL(out[0].storage.ss_family, AF_INET);
    CHECK_EQUAL(userload_address_resolve("[::1]:7070", out, error, sizeof error), 1);
    CHECK_EQUAL(out[0].storage.ss_family, AF_INET6);
}

/* Each bucket begins where the one before it ends, and is as narrow as promised. */
static void latency_buckets_are_in_order_and_narrow(void)
{
    uint32_t before = 0;
    uint64_t begin = 0;

    for (uint64_t nanos = 1; nanos < (uint64_t)1 << 44; nanos += nanos / 200 + 1) {
        uint32_t bucket = userload_latency_bucket(nanos);

        CHECK(bucket >= before && bucket < USERLOAD_LATENCY_BUCKETS);
        if (bucket != before) {
            begin = nanos;
            before = bucket;
        } else if (nanos < (uint64_t)1 << USERLOAD_LATENCY_TOP_BIT) {
            CHECK((nanos - begin) * 60 <= nanos);
        }
    }
    CHECK_EQUAL(userload_latency_bucket(127), 127);
    CHECK_EQUAL(userload_latency_bucket(128), 128);
    CHECK_EQUAL(userload_latency_bucket(UINT64_MAX), USERLOAD_LATENCY_BUCKETS - 1);
}

enum { ENTERERS = 4, ROUNDS = 20000 };

static struct userload_gate gate;
static int guarded; /* written with the gate shut, read inside */

static void *enter_and_leave(void *ignored)
{
    for (int i = 0; i < ROUNDS; i++) {
        userload_gate_enter(&gate);
        CHECK_EQUAL(guarded % 2, 0);
        userload_gate_leave(&gate);
    }
    return ignored;
}

static void nobody_is_inside_a_shut_gate(void)
{
    pthread_t threads[ENTERERS];

    for (int i = 0; i < ENTERERS; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, enter_and_leave, NULL), 0);
    for (int i = 0; i < ROUNDS / 20; i++) {
        userload_gate_shut(&gate);
        guarded++;
        sched_yield();
        guarded++;
        userload_gate_open(&gate);
    }
    for (int i = 0; i < ENTERERS; i++)
        pthread_join(threads[i], NULL);
}

static struct userload_session *session_at(uint64_t start)
{
    struct userload_session *session = calloc(1, sizeof *session);

    CHECK(session != NULL && userload_ranges_allocate(session, 2) == 0);
    session->page_shift = 12;
    atomic_store(&session->state, USERLOAD_ACTIVE);
    session->ranges[0] = (struct userload_range){.start = start, .end = start + 0x2000, .index = 1};
    session->ranges[1] = (struct userload_range){.start = start + 0x8000, .end = start + 0x9000, .index = 0};
    return session;
}

static atomic_int stop_looking;

static void *look_up(void *ignored)
{
    while (!atomic_load(&stop_looking)) {
        struct userload_range *range;
        int handle;
        struct userload_session *found = userload_registry_find(0x8000000, &range, &handle);

        if (found != NULL) {
            CHECK(range->start == 0x8000000);
            userload_registry_drop(handle);
        }
    }
    return ignored;
}

static void sessions_are_found_by_address_and_replaced_when_they_are_over(void)
{
    struct userload_range *range;
    pthread_t looker;
    int first = userload_registry_add(session_at(0x10000));
    int second = userload_registry_add(session_at(0x13000));
    int found;

    CHECK(first >= 0 && second >= 0);
    CHECK(userload_registry_find(0x0fff, &range, &found) == NULL);
    CHECK(userload_registry_find(0x12000, &range, &found) == NULL);
    CHECK(userload_registry_find(0x19000, &range, &found) == NULL);
    CHECK(userload_registry_find(0x11fff, &range, &found) != NULL && range->index == 1);
    userload_registry_drop(found);
    CHECK(userload_registry_find(0x18abc, &range, &found) != NULL && range->index == 0);
    userload_registry_drop(found);
    CHECK(userload_registry_hold(first) != NULL);
    userload_registry_drop(first);
    CHECK(userload_registry_hold(first + (1 << 8)) == NULL);
    CHECK(userload_registry_hold(-1) == NULL);

    /* Over and over, while somebody looks. */
    CHECK_EQUAL(pthread_create(&looker, NULL, look_up, NULL), 0);
    for (int i = 0; i < 2000; i++) {
        int handle = userload_registry_add(session_at(0x8000000));
        struct userload_session *session = userload_registry_hold(handle);

        CHECK(handle >= 0 && session != NULL);
        userload_registry_drop(handle);
        userload_session_becomes(session, USERLOAD_GONE);
        userload_registry_await_idle(handle);
    }
    atomic_store(&stop_looking, 1);
    pthread_join(looker, NULL);

    /* One that goes on keeps its place; when all do, there is no room. */
    for (found = 0; found < 200; found++) {
        struct userload_session *session = session_at(0x1000000 + (uint64_t)found * 0x10000);

        if (userload_registry_add(session) < 0) {
            userload_session_free(session);
            break;
        }
    }
    CHECK_EQUAL(found, USERLOAD_MAX_SESSIONS - 2);
    CHECK(userload_registry_find(0x11000, &range, &found) != NULL);
    userload_registry_drop(found);
}

int main(void)
{
    RUN_TEST(frames_are_those_of_the_protocol);
    RUN_TEST(wrong_hellos_are_refused);
    RUN_TEST(wrong_addresses_are_refused_with_the_reason);
    RUN_TEST(latency_buckets_are_in_order_and_narrow);
    RUN_TEST(nobody_is_inside_a_shut_gate);
    RUN_TEST(sessions_are_found_by_address_and_replaced_when_they_are_over);
    return 0;
}
