#include "destination.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "fail.h"
#include "uffd.h"

static size_t mapped_bytes(const struct destination *destination)
{
    return (destination->pages + 1) * PAGE_BYTES;
}

static uint8_t *doorbell(const struct destination *destination)
{
    return destination->memory + destination->pages * PAGE_BYTES;
}

void destination_open(struct destination *destination, size_t pages, bool nonblocking,
                      bool faults_are_signals)
{
    memset(destination, 0, sizeof *destination);
    destination->pages = pages;
    atomic_init(&destination->missing, pages);
    destination->received = bitmap_open(pages);
    if (sem_init(&destination->complete, 0, 0) != 0)
        fail_call("sem_init");
    destination->memory = memory_map_missing(mapped_bytes(destination));
    destination->uffd = uffd_open(nonblocking, faults_are_signals);
    uffd_register_missing(destination->uffd, destination->memory, mapped_bytes(destination));
}

void destination_close(struct destination *destination)
{
    close(destination->uffd);
    memory_unmap(destination->memory, mapped_bytes(destination));
    bitmap_close(destination->received, destination->pages);
    sem_destroy(&destination->complete);
}

static void account(struct destination *destination, enum path path, size_t first_page, size_t count)
{
    for (size_t page = first_page; page < first_page + count; page++)
        bitmap_claim(destination->received, page);
    atomic_fetch_add(&destination->installed[path], count);
    if (atomic_fetch_sub(&destination->missing, count) == count) {
        atomic_store(&destination->complete_at_ns, now_ns());
        sem_post(&destination->complete);
    }
}

void destination_install(struct destination *destination, enum path path, size_t first_page,
                         size_t page_count, const uint8_t *from)
{
    size_t done = 0;
    while (done < page_count) {
        size_t page = first_page + done;
        ssize_t copied = uffd_copy(destination->uffd, destination->memory + page * PAGE_BYTES,
                                   from + done * PAGE_BYTES, (page_count - done) * PAGE_BYTES);
        if (copied > 0) {
            account(destination, path, page, (size_t)copied / PAGE_BYTES);
            done += (size_t)copied / PAGE_BYTES;
        } else if (copied == -EEXIST) {
            atomic_fetch_add(&destination->duplicates, 1);
            done++;
        } else if (copied != -EAGAIN) {
            errno = (int)-copied;
            fail_call("ioctl(UFFDIO_COPY, page %zu)", page);
        }
    }
}

void destination_await_complete(struct destination *destination)
{
    while (sem_wait(&destination->complete) != 0)
        if (errno != EINTR)
            fail_call("sem_wait");
}

void destination_ring(struct destination *destination)
{
    (void)*(volatile uint8_t *)doorbell(destination);
    if (madvise(doorbell(destination), PAGE_BYTES, MADV_DONTNEED) != 0)
        fail_call("madvise(MADV_DONTNEED)");
}

void destination_answer_doorbell(struct destination *destination)
{
    uffd_zero_page(destination->uffd, doorbell(destination));
}
