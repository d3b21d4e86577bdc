#include "uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "memory.h"

enum { READ_BATCH = 16 };

static int open_by_device(int flags)
{
    int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    if (device < 0)
        fail_call("userfaultfd(2) is not permitted (see vm.unprivileged_userfaultfd), and "
                  "open(/dev/userfaultfd)");
    int uffd = ioctl(device, USERFAULTFD_IOC_NEW, flags);
    if (uffd < 0)
        fail_call("ioctl(USERFAULTFD_IOC_NEW)");
    close(device);
    return uffd;
}

int uffd_open(bool nonblocking, bool faults_are_signals)
{
    int flags = O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0);
    int uffd = (int)syscall(SYS_userfaultfd, flags);
    if (uffd < 0 && errno == EPERM)
        uffd = open_by_device(flags);
    if (uffd < 0)
        fail_call("userfaultfd");
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = faults_are_signals ? UFFD_FEATURE_SIGBUS : 0,
    };
    if (ioctl(uffd, UFFDIO_API, &api) != 0)
        fail_call("ioctl(UFFDIO_API)");
    return uffd;
}

void uffd_register_missing(int uffd, void *start, size_t bytes)
{
    struct uffdio_register range = {
        .range = {.start = (uintptr_t)start, .len = bytes},
        .mode = UFFDIO_REGISTER_MODE_MISSING,
    };
    if (ioctl(uffd, UFFDIO_REGISTER, &range) != 0)
        fail_call("ioctl(UFFDIO_REGISTER, %zu bytes)", bytes);
}

size_t uffd_read_faults(int uffd, uintptr_t *addresses, size_t capacity)
{
    struct uffd_msg messages[READ_BATCH];
    size_t wanted = capacity < READ_BATCH ? capacity : READ_BATCH;
    ssize_t bytes;
    do
        bytes = read(uffd, messages, wanted * sizeof *messages);
    while (bytes < 0 && errno == EINTR);
    if (bytes < 0 && errno == EAGAIN)
        return 0;
    if (bytes < 0)
        fail_call("read(userfaultfd)");
    size_t count = (size_t)bytes / sizeof *messages;
    for (size_t i = 0; i < count; i++) {
        if (messages[i].event != UFFD_EVENT_PAGEFAULT)
            fail("read(userfaultfd): event 0x%x was not asked for", messages[i].event);
        addresses[i] = (uintptr_t)messages[i].arg.pagefault.address;
    }
    return count;
}

ssize_t uffd_copy(int uffd, void *to, const void *from, size_t bytes)
{
    struct uffdio_copy copy = {.dst = (uintptr_t)to, .src = (uintptr_t)from, .len = bytes};
    if (ioctl(uffd, UFFDIO_COPY, &copy) == 0 || copy.copy > 0)
        return (ssize_t)copy.copy;
    return -errno;
}

void uffd_zero_page(int uffd, void *to)
{
    struct uffdio_zeropage zero = {.range = {.start = (uintptr_t)to, .len = PAGE_BYTES}};
    if (ioctl(uffd, UFFDIO_ZEROPAGE, &zero) != 0)
        fail_call("ioctl(UFFDIO_ZEROPAGE)");
}
