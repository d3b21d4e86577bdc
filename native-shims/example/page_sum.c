/*
 * page_sum ADDRESS [THREADS]: opens the memory of a Userload source, lets some threads walk through it while it arrives, and
 * prints its length, a checksum of every byte, and how its pages came.
 *
 *     userload serve --image disk.raw --listen 127.0.0.1:7070 --once &
 *     page_sum 127.0.0.1:7070 4
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <userload.h>

enum { MOST_THREADS = 64, PAGE = 4096 };

struct walker {
    const uint64_t *words;
    size_t count;
    size_t first;
    size_t step;
    uint64_t sum;
};

/* Every step-th page: threads meet pages that nobody has touched, and pages that have come by themselves. */
static void *walk(void *argument)
{
    struct walker *walker = argument;

    for (size_t page = walker->first; page < walker->count / (PAGE / 8); page += walker->step)
        for (size_t i = page * (PAGE / 8); i < (page + 1) * (PAGE / 8); i++)
            walker->sum += walker->words[i] * (2 * i + 1);
    return NULL;
}

static uint64_t sum_of(struct userload *session, uint32_t region, size_t threads)
{
    struct walker walkers[MOST_THREADS];
    pthread_t ids[MOST_THREADS];
    uint64_t sum = 0;

    for (size_t i = 0; i < threads; i++) {
        walkers[i] = (struct walker){
            .words = userload_region_address(session, region),
            .count = userload_region_length(session, region) / 8,
            .first = i,
            .step = threads,
        };
        if (pthread_create(&ids[i], NULL, walk, &walkers[i]) != 0) {
            fprintf(stderr, "page_sum: no more threads\n");
            exit(1);
        }
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        sum += walkers[i].sum;
    }
    return sum;
}

int main(int argc, char **argv)
{
    struct userload_statistics statistics = {.size = sizeof statistics};
    size_t threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    struct userload *session;
    size_t bytes = 0;
    uint64_t sum = 0;
    int result;

    if (argc < 2 || threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "usage: page_sum ADDRESS [THREADS], 1 to %d threads\n", MOST_THREADS);
        return 2;
    }
    if (userload_open(argv[1], NULL, &session) != 0) {
        fprintf(stderr, "page_sum: %s\n", userload_error(NULL));
        return 1;
    }
    for (uint32_t region = 0; region < userload_region_count(session); region++) {
        bytes += userload_region_length(session, region);
        sum += sum_of(session, region, threads);
    }
    result = userload_wait(session, -1);
    if (result != 0) {
        fprintf(stderr, "page_sum: %s\n", userload_error(session));
        return 1;
    }
    userload_get_statistics(session, &statistics);
    printf("bytes %zu\nsum %016llx\npages %llu\non demand %llu\nin stream %llu\nduplicates %llu\n", bytes,
           (unsigned long long)sum, (unsigned long long)statistics.pages,
           (unsigned long long)statistics.pages_on_demand, (unsigned long long)statistics.pages_in_stream,
           (unsigned long long)statistics.duplicates);
    userload_close(session);
    return 0;
}
